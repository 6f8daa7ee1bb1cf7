-- The outbox as it was: ten people get each message, by a filter that each of them calls in another way. Of ten messages
-- one is still to be sent to some, and one was given up. How many there are is a multiple of ten.
INSERT INTO users (id, name, zone, created_at) SELECT n, 'user' || n, '', 1 FROM numbers WHERE n <= 10;
INSERT INTO destinations (id, user_id, backend, address, confirmed, is_on, disabled, every, at_count, at_time, weekdays,
	created_at) SELECT n, n, 'email', 'user' || n || '@example.org', true, true, '', 0, 0, '', 0, 1 FROM numbers WHERE n <= 10;
INSERT INTO filters (id, user_id, name, rules, is_on, one_shot, chosen, created_at, updated_at) SELECT n, n, 'filter ' || n,
	'[{"everything":{}}]', true, false, false, 1, 1 FROM numbers WHERE n <= 10;
INSERT INTO lanes (backend, destination, lease, ready_at, window_at, window_count)
	SELECT 'email', CAST(n AS text), '', 5, 0, 0 FROM numbers WHERE n <= 9;
INSERT INTO deliveries (message, destination, backend, lane, address, notice, manage, together, state, due_at, parcel,
	attempts, failed_at, last_error, added_at, settled_at, hold)
SELECT 'message-' || ((n - 1) / 10), CAST((n - 1) % 10 + 1 AS text), 'email', (n - 1) % 10 + 1,
	'user' || ((n - 1) % 10 + 1) || '@example.org',
	'{"ID":"message-' || ((n - 1) / 10) || '","Title":"[bash] a title of ' || ((n - 1) / 10) || '","Text":"FILL","Severity":"info","Users":null,"Why":[{"Filter":"filter ' ||
	((n - 1) % 10 + 1) || '","Sentence":"When anything at all happens","Link":"https://n.example.org/filters/' || ((n - 1) % 10 + 1) || '","Stop":"https://n.example.org/stop/' || n || '"}],"caution":"\u0000 \u00e9"}',
	'https://n.example.org/stop/m' || n, false,
	CASE WHEN (n - 1) / 10 % 10 = 0 AND n % 2 = 0 THEN 'waiting' WHEN (n - 1) / 10 % 10 = 1 AND n % 2 = 0 THEN 'dead' ELSE 'done' END,
	n, 'parcel.' || n, 0, 0, '', n, CASE WHEN (n - 1) / 10 % 10 = 0 AND n % 2 = 0 THEN 0 ELSE n END, ''
FROM numbers;
