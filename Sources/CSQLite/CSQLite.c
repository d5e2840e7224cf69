// The shim is header-only; a C target needs one source.
#include "CSQLite.h"
