/** The ledger's tables, as a list of migrations. A step never changes once it has been released. */

/** Step n upgrades the tables from version n to n + 1 (`PRAGMA user_version`). */
export const MIGRATIONS: readonly string[] = [
  `
CREATE TABLE name (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, text TEXT NOT NULL, UNIQUE (kind, text)) STRICT;
CREATE TABLE request (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  caller INTEGER NOT NULL,
  team INTEGER NOT NULL,
  model INTEGER NOT NULL,
  target INTEGER NOT NULL,
  model_id INTEGER NOT NULL,
  region INTEGER NOT NULL,
  api INTEGER NOT NULL,
  status INTEGER NOT NULL,
  error INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  ms INTEGER NOT NULL,
  first_ms INTEGER,
  input INTEGER NOT NULL,
  output INTEGER NOT NULL,
  cache_read INTEGER NOT NULL,
  cache_write INTEGER NOT NULL,
  cache_write_1h INTEGER NOT NULL,
  reasoning INTEGER NOT NULL,
  images INTEGER NOT NULL,
  tier INTEGER NOT NULL,
  cost_nano INTEGER,
  price INTEGER NOT NULL,
  estimated INTEGER NOT NULL,
  tags INTEGER NOT NULL
) STRICT;
CREATE INDEX request_at ON request (at_ms);
CREATE INDEX request_caller ON request (caller, at_ms);
CREATE TABLE usage_hour (
  hour INTEGER NOT NULL,
  caller INTEGER NOT NULL,
  team INTEGER NOT NULL,
  model INTEGER NOT NULL,
  target INTEGER NOT NULL,
  tier INTEGER NOT NULL,
  tags INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  input INTEGER NOT NULL,
  output INTEGER NOT NULL,
  cache_read INTEGER NOT NULL,
  cache_write INTEGER NOT NULL,
  cache_write_1h INTEGER NOT NULL,
  reasoning INTEGER NOT NULL,
  images INTEGER NOT NULL,
  cost_nano INTEGER NOT NULL,
  unpriced INTEGER NOT NULL,
  estimated INTEGER NOT NULL,
  ms INTEGER NOT NULL,
  PRIMARY KEY (hour, caller, team, model, target, tier, tags)
) STRICT, WITHOUT ROWID;
CREATE TABLE budget (
  name TEXT NOT NULL,
  subject TEXT NOT NULL,
  window_start INTEGER NOT NULL,
  window_end INTEGER,
  spent INTEGER NOT NULL,
  held INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  alerted INTEGER NOT NULL,
  PRIMARY KEY (name, subject, window_start)
) STRICT, WITHOUT ROWID;
CREATE TABLE event (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, json TEXT NOT NULL)
  STRICT;
`,
  // The errors and attempts of requests, and indexes for finding single requests.
  `
CREATE TABLE request_detail (seq INTEGER PRIMARY KEY, json TEXT NOT NULL) STRICT;
CREATE TRIGGER request_forgotten AFTER DELETE ON request BEGIN
  DELETE FROM request_detail WHERE seq = old.seq;
END;
CREATE INDEX request_error ON request (error, at_ms);
CREATE INDEX request_key ON request (substr(request_id, 5, 8));
`,
  // With an index on an expression, SQLite keeps a copy of each page that an `INSERT` of many rows changes, to undo it.
  `
DROP INDEX request_key;
CREATE INDEX request_id ON request (request_id);
`,
];
