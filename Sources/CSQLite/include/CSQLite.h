// What Swift cannot call of SQLite: functions with a variable number of arguments.
#pragma once
#include <sqlite3.h>

// SQLITE_CONFIG_MEMSTATUS off, before the first connection: else each allocation takes a mutex to count itself.
static inline int csqlite_count_no_memory(void) { return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }
