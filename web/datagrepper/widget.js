// Shows messages in the page that includes this script, in front of its tag, which must have the id datagrepper-widget.
// It asks by JSONP, as the widget of datagrepper does, and needs no other script.
(function () {
    'use strict';
    var base = BASE_URL, search = base + 'SEARCH', css = WITH_CSS;
    var $ = function (selector) { return document.querySelector(selector); };
    var tag = $('script#datagrepper-widget');
    if (!tag) {
        return;
    }
    var box = document.createElement('div');
    box.id = 'datagrepper-widget';
    tag.parentNode.insertBefore(box, tag);
    if (css) {
        var style = document.createElement('style');
        style.textContent = '#datagrepper-widget .message-card { border: 1px solid #ccc; border-radius: 4px;' +
            ' margin: .5em 0; padding: .5em; overflow-wrap: anywhere }' +
            ' #datagrepper-widget img { width: 2em; height: 2em; vertical-align: middle }' +
            ' #datagrepper-widget .datetime { color: #555; font-size: smaller }';
        document.head.appendChild(style);
    }

    function web(address) { return /^https?:\/\//.test(address || '') ? address : ''; }

    function picture(address) {
        var img = document.createElement('img');
        img.src = address;
        img.alt = '';
        return img;
    }

    function element(name, cls, text) {
        var e = document.createElement(name);
        e.className = cls;
        e.textContent = text;
        return e;
    }

    function show(message) {
        var meta = message.meta || {}, card = element('div', 'message-card', '');
        var link = web(meta.url || meta.link);
        var text = element(link ? 'a' : 'span', '', meta.summary || meta.subtitle || message.topic);
        [web(meta.app_icon || meta.icon), web(meta.agent_avatar || meta.secondary_icon)].forEach(function (address) {
            if (address) {
                card.appendChild(picture(address));
            }
        });
        if (link) {
            text.href = link;
            text.rel = 'nofollow noreferrer';
        }
        card.appendChild(text);
        card.appendChild(element('div', 'datetime', meta.date || ''));
        box.appendChild(card);
    }

    // jsonp calls back by a name that no other copy of the widget has
    var name = 'datagrepper_' + Math.random().toString(36).slice(2), script = document.createElement('script');
    window[name] = function (answer) {
        delete window[name];
        (answer.raw_messages || []).forEach(show);
    };
    var query = '&callback=' + name;
    ['user', 'package', 'category', 'topic', 'agent', 'not_user', 'not_package', 'not_category', 'not_topic',
        'not_agent', 'contains', 'start', 'end', 'delta', 'order', 'rows_per_page', 'page'].forEach(function (attribute) {
        var value = tag.getAttribute('data-' + attribute);
        if (value !== null) {
            query += '&' + attribute + '=' + encodeURIComponent(value);
        }
    });
    script.src = search + query;
    document.head.appendChild(script);
}());
