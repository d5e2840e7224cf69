-- The journal, one SQLite file. This is the current schema; migrations/ are the steps that lead to it,
-- and a test holds the two equal.
--
-- The tables are private and change between versions. The views at the end are the API: they keep their
-- columns. `sqlite3 -readonly journal.db` and `SELECT * FROM changes` is a good place to start.
--
-- Conventions
--   name, path   A file name is any bytes. Where the bytes are valid UTF-8 the column holds TEXT, else a BLOB,
--                so that no reader is ever handed text that is none. Hence ANY in STRICT tables.
--   …_ns         Nanoseconds since 1970 (wall clock), or since boot where the name says boot.
--   mode         st_mode as stat(2) has it, with the file type; the views split it.
--   seq          Numbers every log row and every batch from one counter that only grows. A batch is numbered
--                after its rows, so a batch with number S has the rows above the batch before it, up to S.

-- One row: which journal this is, and how much of its log it keeps.
CREATE TABLE meta (
  id               INTEGER PRIMARY KEY CHECK (id = 1),
  uuid             TEXT NOT NULL,             -- new for each journal, and for each restored copy
  created_ns       INTEGER NOT NULL,
  nonce            TEXT NOT NULL,             -- equals the lock file's, or the next one does, unless this is a copy
  previous_nonce   TEXT NOT NULL,
  horizon_seq      INTEGER NOT NULL,          -- log rows up to here have been forgotten; this batch itself stays
  vouched_ns       INTEGER NOT NULL,          -- until when a watcher last looked: where a downtime begins
  keep_ns          INTEGER NOT NULL DEFAULT 2592000000000000, -- the log reaches back so far, 30 days;
  keep_size        INTEGER NOT NULL DEFAULT 2147483648,       -- less where the database would be larger, in bytes, 2 GiB;
  keep_consumer_ns INTEGER NOT NULL DEFAULT 7776000000000000  -- but to a consumer that has moved since, 90 days
) STRICT;

-- Each boot that committed something. Boot times compare only within one.
CREATE TABLE boot (
  id      INTEGER PRIMARY KEY,
  boot_id TEXT NOT NULL UNIQUE                -- /proc/sys/kernel/random/boot_id
) STRICT;

-- What was committed together. A cursor names a batch and carries its random check, so that a journal
-- that was rolled back, or another one, cannot take it for its own.
CREATE TABLE batch (
  seq               INTEGER PRIMARY KEY,
  check_bits        INTEGER NOT NULL,         -- 64 random bits
  source            INTEGER NOT NULL,         -- 1 event, 2 crawl, 3 audit
  began_ns          INTEGER NOT NULL,         -- all that happened before is in it or older ones; never falls
  committed_ns      INTEGER NOT NULL,         -- clamped likewise; the time of its changes
  not_before_ns     INTEGER,                  -- crawls: its changes happened after this
  boot              INTEGER NOT NULL REFERENCES boot,
  began_boot_ns     INTEGER NOT NULL,         -- CLOCK_BOOTTIME: no clock step hides anything
  committed_boot_ns INTEGER NOT NULL
) STRICT;
CREATE INDEX batch_committed ON batch(committed_ns);
CREATE INDEX batch_boot ON batch(boot, committed_boot_ns);

-- File systems by what survives a reboot (UUID, subvolume), never by st_dev, which does not.
CREATE TABLE filesystem (
  id  INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE
) STRICT;

-- The paths of directories, as an immutable dictionary: a path keeps its id for as long as a row needs it.
-- The directory "/" is the empty path, so that path || '/' || name is right for every entry.
CREATE TABLE directory (
  id       INTEGER PRIMARY KEY,
  path     ANY NOT NULL UNIQUE,
  left_seq INTEGER                            -- the batch that took it from the last node; no log row behind names it
) STRICT;
-- What no node holds is forgotten with the log rows up to there.
CREATE INDEX directory_left ON directory(left_seq) WHERE left_seq IS NOT NULL;

-- Where each directory of the trees is now. A root hangs in a container, a node without parent that stands for
-- the directory the root lies in and has the root's own row; nothing else of that directory is known.
CREATE TABLE node (
  id         INTEGER PRIMARY KEY,
  parent     INTEGER,                         -- NULL for a container
  directory  INTEGER NOT NULL REFERENCES directory,
  root       INTEGER NOT NULL REFERENCES root,
  filesystem INTEGER NOT NULL,                -- 0 for a container
  ino        INTEGER NOT NULL,
  btime_ns   INTEGER NOT NULL,                -- 0 where the file system has no birth times
  coverage   INTEGER NOT NULL                 -- 0 covered; not covered: 1 another mount, 2 unreadable from the start, 3 no files (proc)
) STRICT;

-- Every answer says what it does not cover, and must not walk all directories for that.
CREATE INDEX node_uncovered ON node(coverage) WHERE coverage <> 0;

-- What the trees are known to hold: one row a name.
CREATE TABLE state (
  node     INTEGER NOT NULL,
  name     ANY NOT NULL,
  mode     INTEGER NOT NULL,
  size     INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  ctime_ns INTEGER NOT NULL,
  btime_ns INTEGER NOT NULL,
  ino      INTEGER NOT NULL,
  nlink    INTEGER NOT NULL,
  uid      INTEGER NOT NULL,
  gid      INTEGER NOT NULL,
  child    INTEGER,                           -- directories: the node; NULL else
  seq      INTEGER NOT NULL,                  -- the log row, or the batch of the first crawl, that last changed it
  PRIMARY KEY (node, name)
) STRICT, WITHOUT ROWID;
-- Every name of an inode has to be found when one of them changes. Directories have one.
CREATE INDEX state_linked ON state(ino) WHERE nlink > 1 AND child IS NULL;

-- What changed, append-only. The rows of one batch are simultaneous: they lead from the state before the batch
-- to the state after it, and each path stands in at most one row as what was there before (deleted, modified,
-- attrib: path; renamed: old path) and in at most one as what is there after (all but deleted: path).
CREATE TABLE log (
  seq            INTEGER PRIMARY KEY,
  kind           INTEGER NOT NULL,            -- 1 created, 2 modified, 3 attrib, 4 deleted, 5 renamed
  flags          INTEGER NOT NULL,            -- 1 content changed, 2 metadata changed; both where it came or went;
                                              -- above 15: S_IFMT >> 8 of what was here before, of another type
  directory      INTEGER NOT NULL,            -- the path, as (directory, name)
  name           ANY NOT NULL,
  mode           INTEGER NOT NULL,            -- deleted: the last known
  size           INTEGER NOT NULL,
  mtime_ns       INTEGER NOT NULL,
  uid            INTEGER NOT NULL,
  gid            INTEGER NOT NULL,
  filesystem     INTEGER NOT NULL,            -- with ino and btime_ns: which file; deleted: which file it was
  ino            INTEGER NOT NULL,
  btime_ns       INTEGER NOT NULL
) STRICT;

-- What else there is to say of a row of the log: of a renamed one, and of a modified one where it was another file before.
-- A column that is NULL costs a byte a row, and of most rows there is nothing to say. It is forgotten with its row.
CREATE TABLE log_origin (
  seq            INTEGER PRIMARY KEY,         -- of the row
  old_directory  INTEGER,                     -- renamed: the path before
  old_name       ANY,
  moved_with     INTEGER,                     -- renamed only because a directory above was: that row's seq
  prior_ino      INTEGER,                     -- modified: which file was here before
  prior_btime_ns INTEGER
) STRICT;

-- Names that came and went between two looks, behind the last 50,000 numbers of the log. They are no change, but
-- who looked in between (git, say) has seen them, and has to be told to look again.
CREATE TABLE passing (
  seq       INTEGER NOT NULL,                 -- the batch
  directory INTEGER NOT NULL,
  name      ANY NOT NULL,                     -- empty: more than are kept
  PRIMARY KEY (seq, directory, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE root (
  id           INTEGER PRIMARY KEY,
  path         ANY NOT NULL UNIQUE,
  node         INTEGER NOT NULL,
  container    INTEGER NOT NULL,
  state        INTEGER NOT NULL,              -- 1 live, 2 offline, 3 stopped
  backend      TEXT NOT NULL,
  cross_mounts INTEGER NOT NULL,
  joined_seq   INTEGER NOT NULL,              -- the batch by which it joined
  since_seq    INTEGER,                       -- where its coverage begins; NULL until the first crawl is done
  since_ns     INTEGER,
  crawled_ns   INTEGER,                       -- when the last complete crawl began
  mount_boot   INTEGER,                       -- the boot, and in it the id of the mount, at the end of the last crawl that
  mount_id     INTEGER,                       -- left no gap: on another one, content may have been lost under equal times
  excludes_seq INTEGER NOT NULL DEFAULT 0,    -- the first batch since its excludes were changed; 0: they never were
  directories  INTEGER NOT NULL,
  files        INTEGER NOT NULL
) STRICT;

-- Patterns in gitignore syntax, relative to the root, in order.
CREATE TABLE exclude (
  root     INTEGER NOT NULL REFERENCES root,
  position INTEGER NOT NULL,
  pattern  ANY NOT NULL,
  PRIMARY KEY (root, position)
) STRICT, WITHOUT ROWID;

-- The lists of patterns that were in force since the root was last crawled to its end: what they excluded and
-- nothing excludes now begins to be covered.
CREATE TABLE former_exclude (
  root     INTEGER NOT NULL REFERENCES root,
  list     INTEGER NOT NULL,
  position INTEGER NOT NULL,
  pattern  ANY NOT NULL,
  PRIMARY KEY (root, list, position)
) STRICT, WITHOUT ROWID;

-- Where the journal could not look, from when to when.
CREATE TABLE gap (
  id           INTEGER PRIMARY KEY,
  root         INTEGER NOT NULL,
  node         INTEGER,                       -- the top of the subtree, while open; NULL when closed
  directory    INTEGER NOT NULL,              -- its path when the gap was opened
  cause        TEXT NOT NULL,
  opened_seq   INTEGER NOT NULL,
  opened_ns    INTEGER NOT NULL,              -- nothing before this was missed
  closed_seq   INTEGER,
  closed_ns    INTEGER,
  baseline_seq INTEGER,                       -- the subtree had no stored state: its coverage begins here
  found        INTEGER NOT NULL               -- differences that the reconcile logged
) STRICT;
CREATE INDEX gap_open ON gap(id) WHERE closed_seq IS NULL;

-- Each comparison of a tree with the state, a row a subtree: by `journal verify`, or by the watcher itself.
CREATE TABLE audit (
  id            INTEGER PRIMARY KEY,
  kind          INTEGER NOT NULL,             -- 1 verify, 2 the watcher's audit
  path          ANY NOT NULL,                 -- a root, or what of it was asked about
  live          INTEGER NOT NULL,             -- 1 where a watcher was live: what differed had been missed
  sample        REAL,                         -- percent of the directories; NULL where all were compared
  began_ns      INTEGER NOT NULL,
  ended_ns      INTEGER NOT NULL,
  boot          INTEGER NOT NULL REFERENCES boot,
  ended_boot_ns INTEGER NOT NULL,             -- CLOCK_BOOTTIME: no clock step puts the next one off
  directories   INTEGER NOT NULL,
  entries       INTEGER NOT NULL,
  differences   INTEGER NOT NULL,
  unsettled     INTEGER NOT NULL              -- names that changed whenever they were looked at
) STRICT;

-- Who takes lists, and up to where. `journal consume` moves a name when its command has succeeded.
CREATE TABLE consumer (
  name       TEXT PRIMARY KEY,
  selection  TEXT NOT NULL,                   -- the paths, filters and format it asks for: with others it is another name
  seq        INTEGER NOT NULL,
  cursor     TEXT NOT NULL,
  updated_ns INTEGER NOT NULL,
  dropped_ns INTEGER                          -- when the horizon passed it; means nothing where seq is not below that
) STRICT, WITHOUT ROWID;

-- The API.

CREATE VIEW journal AS
SELECT meta.uuid, meta.created_ns,
       batch.seq AS head_seq,
       printf('%s:%d:%016x', meta.uuid, batch.seq, batch.check_bits) AS cursor,
       meta.horizon_seq, 1 AS schema, 1 AS min_reader,
       (SELECT committed_ns FROM batch WHERE seq = meta.horizon_seq) AS horizon_ns,
       meta.keep_ns, meta.keep_size, meta.keep_consumer_ns
FROM meta, batch
WHERE batch.seq = (SELECT max(seq) FROM batch);

CREATE VIEW changes AS
SELECT log.seq,
       strftime('%Y-%m-%dT%H:%M:%S', batch.committed_ns / 1000000000, 'unixepoch')
         || printf('.%09dZ', batch.committed_ns % 1000000000) AS time,
       batch.committed_ns AS time_ns,
       batch.not_before_ns,
       CASE log.kind WHEN 1 THEN 'created' WHEN 2 THEN 'modified' WHEN 3 THEN 'attrib'
                     WHEN 4 THEN 'deleted' WHEN 5 THEN 'renamed' END AS kind,
       CASE log.mode & 61440 WHEN 32768 THEN 'file' WHEN 16384 THEN 'directory' WHEN 40960 THEN 'symlink'
                             WHEN 4096 THEN 'fifo' WHEN 49152 THEN 'socket'
                             WHEN 8192 THEN 'chardev' WHEN 24576 THEN 'blockdev' END AS type,
       CASE WHEN typeof(d.path) = 'text' AND typeof(log.name) = 'text'
            THEN d.path || '/' || log.name END AS path,
       CASE WHEN typeof(d.path) = 'blob' OR typeof(log.name) = 'blob'
            THEN CAST(CAST(d.path AS TEXT) || '/' || CAST(log.name AS TEXT) AS BLOB) END AS path_raw,
       CASE WHEN typeof(o.path) = 'text' AND typeof(origin.old_name) = 'text'
            THEN o.path || '/' || origin.old_name END AS old_path,
       CASE WHEN typeof(o.path) = 'blob' OR typeof(origin.old_name) = 'blob'
            THEN CAST(CAST(o.path AS TEXT) || '/' || CAST(origin.old_name AS TEXT) AS BLOB) END AS old_path_raw,
       log.flags & 1 AS content,
       (log.flags & 2) / 2 AS metadata,
       log.size, log.mtime_ns,
       log.mode & 4095 AS mode,
       log.uid, log.gid, log.ino,
       CASE batch.source WHEN 1 THEN 'event' WHEN 2 THEN 'crawl' WHEN 3 THEN 'audit' END AS source,
       origin.moved_with,
       batch.seq AS batch
FROM log
JOIN batch ON batch.seq = (SELECT min(seq) FROM batch WHERE seq >= log.seq)
JOIN directory AS d ON d.id = log.directory
LEFT JOIN log_origin AS origin ON origin.seq = log.seq
LEFT JOIN directory AS o ON o.id = origin.old_directory;

CREATE VIEW files AS
SELECT CASE WHEN typeof(d.path) = 'text' AND typeof(state.name) = 'text'
            THEN d.path || '/' || state.name END AS path,
       CASE WHEN typeof(d.path) = 'blob' OR typeof(state.name) = 'blob'
            THEN CAST(CAST(d.path AS TEXT) || '/' || CAST(state.name AS TEXT) AS BLOB) END AS path_raw,
       CASE state.mode & 61440 WHEN 32768 THEN 'file' WHEN 16384 THEN 'directory' WHEN 40960 THEN 'symlink'
                               WHEN 4096 THEN 'fifo' WHEN 49152 THEN 'socket'
                               WHEN 8192 THEN 'chardev' WHEN 24576 THEN 'blockdev' END AS type,
       state.size, state.mtime_ns, state.ctime_ns,
       state.mode & 4095 AS mode,
       state.uid, state.gid, state.ino, state.nlink, state.seq
FROM state
JOIN node ON node.id = state.node
JOIN directory AS d ON d.id = node.directory;

CREATE VIEW roots AS
SELECT CASE typeof(path) WHEN 'text' THEN path END AS path,
       CASE typeof(path) WHEN 'blob' THEN path END AS path_raw,
       CASE state WHEN 1 THEN 'live' WHEN 2 THEN 'offline' WHEN 3 THEN 'stopped' END AS state,
       backend, since_seq, since_ns, directories, files
FROM root;

CREATE VIEW gaps AS
SELECT CASE typeof(d.path) WHEN 'text' THEN CASE d.path WHEN '' THEN '/' ELSE d.path END END AS path,
       CASE typeof(d.path) WHEN 'blob' THEN d.path END AS path_raw,
       gap.cause, gap.opened_seq, gap.opened_ns, gap.closed_seq, gap.closed_ns, gap.baseline_seq, gap.found
FROM gap
LEFT JOIN node ON node.id = gap.node
JOIN directory AS d ON d.id = coalesce(node.directory, gap.directory);

CREATE VIEW consumers AS
SELECT name, cursor, seq, updated_ns, selection,
       CASE WHEN seq < (SELECT horizon_seq FROM meta) THEN dropped_ns END AS dropped_ns
FROM consumer;

CREATE VIEW audits AS
SELECT CASE typeof(path) WHEN 'text' THEN CASE path WHEN '' THEN '/' ELSE path END END AS path,
       CASE typeof(path) WHEN 'blob' THEN path END AS path_raw,
       CASE kind WHEN 1 THEN 'verify' WHEN 2 THEN 'audit' END AS kind,
       live, sample, began_ns, ended_ns, directories, entries, differences, unsettled
FROM audit;
