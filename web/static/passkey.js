// Has the browser make or show a passkey (W3C, Web Authentication), and posts its answer with the form. The form has
// data-passkey="create" or "get", what is asked in data-options, and a hidden field named response.
"use strict";

(function () {
  var form = document.querySelector("form[data-passkey]");
  if (!form) {
    return;
  }
  var problem = form.querySelector(".problem");
  var button = form.querySelector("button");

  function bytes(text) {
    var raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(raw, function (c) { return c.charCodeAt(0); });
  }

  function base64url(buffer) {
    var raw = "";
    new Uint8Array(buffer).forEach(function (b) { raw += String.fromCharCode(b); });
    return btoa(raw).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function asked() {
    var o = JSON.parse(form.dataset.options);
    o.challenge = bytes(o.challenge);
    if (o.user) {
      o.user.id = bytes(o.user.id);
    }
    (o.excludeCredentials || []).concat(o.allowCredentials || []).forEach(function (c) { c.id = bytes(c.id); });
    return o;
  }

  function answer(made) {
    var r = { clientDataJSON: base64url(made.response.clientDataJSON) };
    ["attestationObject", "authenticatorData", "signature", "userHandle"].forEach(function (name) {
      if (made.response[name]) {
        r[name] = base64url(made.response[name]);
      }
    });
    if (made.response.getTransports) {
      r.transports = made.response.getTransports();
    }
    return JSON.stringify({
      id: made.id, rawId: base64url(made.rawId), type: made.type, response: r,
      authenticatorAttachment: made.authenticatorAttachment || undefined,
      clientExtensionResults: made.getClientExtensionResults()
    });
  }

  function say(text) {
    problem.textContent = text;
    problem.hidden = false;
    button.disabled = false;
  }

  form.addEventListener("submit", function (event) {
    event.preventDefault();
    problem.hidden = true;
    if (!window.PublicKeyCredential) {
      say("This browser has no passkeys.");
      return;
    }
    button.disabled = true;
    var todo = form.dataset.passkey === "create"
      ? navigator.credentials.create({ publicKey: asked() })
      : navigator.credentials.get({ publicKey: asked() });
    todo.then(function (made) {
      form.elements.response.value = answer(made);
      form.submit();
    }).catch(function (err) {
      say(err.name === "InvalidStateError"
        ? "This device has a passkey for this account already."
        : "No passkey was shown: it was cancelled, took too long, or there is none on this device.");
    });
  });
})();
