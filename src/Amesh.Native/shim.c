/*
 * The C side of libxds.so: the entry points that LuaJIT calls, and the calls into nginx.
 *
 * It is in C for what managed code cannot do: block signals before the runtime makes its first thread, call nginx's
 * variadic log function, and keep the process from exiting while a thread is inside nginx's slab allocator.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* The managed side (EntryPoints.cs). */
extern int amesh_managed_start(int abi, void *config_zone, void *version_zone, const char *options, size_t options_len,
                               char *err, size_t err_size);
extern int amesh_managed_status(char *buf, size_t size);
extern int amesh_managed_stop(int timeout_ms);

/* ---- nginx ---- */

enum { LOG_ERR = 4 };

typedef int (*shdict_store_fn)(void *zone, int op, const uint8_t *key, size_t key_len, int value_type, const uint8_t *str,
                               size_t str_len, double num, long exptime, int flags, char **errmsg, int *forcible);
typedef int (*shdict_get_fn)(void *zone, const uint8_t *key, size_t key_len, int *value_type, uint8_t **str, size_t *str_len,
                             double *num, int *flags, int get_stale, int *is_stale, char **errmsg);
typedef int (*shdict_incr_fn)(void *zone, const uint8_t *key, size_t key_len, double *value, char **errmsg, int has_init,
                              double init, long init_ttl, int *forcible);
typedef size_t (*shdict_size_fn)(void *zone);
typedef void (*log_fn)(uintptr_t level, void *log, int err, const char *fmt, ...);

static shdict_store_fn shdict_store;
static shdict_get_fn shdict_get;
static shdict_incr_fn shdict_incr;
static shdict_size_fn shdict_free_space;
static shdict_size_fn shdict_capacity;
static log_fn log_error_core;
static void *volatile *cycle;

/* APISIX's runtime has the functions in its meta module, plain OpenResty and Debian's nginx in the http module. */
static void *find(const char *name)
{
    static const char *const prefixes[] = {"ngx_meta_lua_ffi_shdict_", "ngx_http_lua_ffi_shdict_"};
    char symbol[64];
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        snprintf(symbol, sizeof(symbol), "%s%s", prefixes[i], name);
        void *found = dlsym(RTLD_DEFAULT, symbol);
        if (found != NULL) {
            return found;
        }
    }

    return NULL;
}

/* Resolves all functions. Returns NULL, or the name of one that this nginx has not. */
const char *amesh_nginx_resolve(void)
{
    shdict_store = (shdict_store_fn) find("store");
    shdict_get = (shdict_get_fn) find("get");
    shdict_incr = (shdict_incr_fn) find("incr");
    shdict_free_space = (shdict_size_fn) find("free_space");
    shdict_capacity = (shdict_size_fn) find("capacity");
    log_error_core = (log_fn) dlsym(RTLD_DEFAULT, "ngx_log_error_core");
    cycle = (void *volatile *) dlsym(RTLD_DEFAULT, "ngx_cycle");

    return shdict_store == NULL        ? "store"
           : shdict_get == NULL        ? "get"
           : shdict_incr == NULL       ? "incr"
           : shdict_free_space == NULL ? "free_space"
           : shdict_capacity == NULL   ? "capacity"
                                       : NULL;
}

/* Writes a line to nginx's error log, as nginx itself does; to standard error where there is no nginx. */
void amesh_nginx_log(int level, const char *line)
{
    if (log_error_core == NULL || cycle == NULL || *cycle == NULL) {
        fprintf(stderr, "libxds: %s\n", line);
        return;
    }

    /* ngx_cycle_t: conf_ctx, pool, log. ngx_log_t: log_level comes first. The same in every nginx 1.x. */
    uintptr_t *log = *(uintptr_t **) ((char *) *cycle + 2 * sizeof(void *));
    if (log != NULL && log[0] >= (uintptr_t) level) {
        log_error_core((uintptr_t) level, log, 0, "%s", line);
    }
}

/*
 * A thread that is killed by the process's own exit inside the slab allocator would leave the zone broken for all other
 * processes. Every call into a zone holds this lock; exit takes it and never gives it back.
 */
static pthread_mutex_t zone_lock = PTHREAD_MUTEX_INITIALIZER;

static void keep_out_of_zones(void)
{
    pthread_mutex_lock(&zone_lock);
}

int amesh_zone_store(void *zone, int op, const uint8_t *key, size_t key_len, int value_type, const uint8_t *str, size_t str_len,
                     double num, int flags)
{
    char *errmsg = NULL;
    int forcible = 0;
    pthread_mutex_lock(&zone_lock);
    int rc = shdict_store(zone, op, key, key_len, value_type, str, str_len, num, 0, flags, &errmsg, &forcible);
    pthread_mutex_unlock(&zone_lock);
    return rc;
}

/*
 * Gives the value's type (0: no such key, 3: number, 4: string), or -1. A string longer than the buffer comes in memory of
 * its own, to be freed with amesh_zone_free.
 */
int amesh_zone_get(void *zone, const uint8_t *key, size_t key_len, uint8_t **str, size_t *str_len, double *num,
                   int *flags)
{
    char *errmsg = NULL;
    int value_type = 0, stale = 0;
    pthread_mutex_lock(&zone_lock);
    int rc = shdict_get(zone, key, key_len, &value_type, str, str_len, num, flags, 0, &stale, &errmsg);
    pthread_mutex_unlock(&zone_lock);
    return rc == 0 ? value_type : -1;
}

void amesh_zone_free(void *memory)
{
    free(memory);
}

int amesh_zone_incr(void *zone, const uint8_t *key, size_t key_len, double *value)
{
    char *errmsg = NULL;
    int forcible = 0;
    pthread_mutex_lock(&zone_lock);
    int rc = shdict_incr(zone, key, key_len, value, &errmsg, 1, 0, 0, &forcible);
    pthread_mutex_unlock(&zone_lock);
    return rc;
}

size_t amesh_zone_free_space(void *zone)
{
    return shdict_free_space(zone);
}

size_t amesh_zone_capacity(void *zone)
{
    return shdict_capacity(zone);
}

/* ---- entry points ---- */

/*
 * Threads inherit the mask of the thread that makes them. nginx's signals must reach nginx's own thread and no other, so
 * all are blocked while managed code runs on it, but for the faults that a thread raises itself and the one signal that
 * the runtime stops its own threads with (SIGRTMIN, raised at a thread, never at the process).
 */
static void block_signals(sigset_t *before)
{
    sigset_t blocked;
    sigfillset(&blocked);
    sigdelset(&blocked, SIGSEGV);
    sigdelset(&blocked, SIGBUS);
    sigdelset(&blocked, SIGFPE);
    sigdelset(&blocked, SIGILL);
    sigdelset(&blocked, SIGTRAP);
    sigdelset(&blocked, SIGABRT);
    sigdelset(&blocked, SIGRTMIN);
    pthread_sigmask(SIG_SETMASK, &blocked, before);
}

static void restore_signals(const sigset_t *before)
{
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

EXPORT int amesh_start(int abi, void *config_zone, void *version_zone, const char *options, size_t options_len, char *err,
                       size_t err_size)
{
    static int registered;
    sigset_t before;
    block_signals(&before);
    int rc = amesh_managed_start(abi, config_zone, version_zone, options, options_len, err, err_size);
    if (!registered) {
        /* After the runtime's own handlers, so that it runs before them. */
        registered = 1;
        atexit(keep_out_of_zones);
    }

    restore_signals(&before);
    return rc;
}

EXPORT void initial(void *config_zone, void *version_zone)
{
    char err[1024] = "";
    if (amesh_start(1, config_zone, version_zone, NULL, 0, err, sizeof(err)) != 0) {
        amesh_nginx_log(LOG_ERR, err);
    }
}

EXPORT int amesh_status(char *buf, size_t size)
{
    sigset_t before;
    block_signals(&before);
    int rc = amesh_managed_status(buf, size);
    restore_signals(&before);
    return rc;
}

EXPORT int amesh_stop(int timeout_ms)
{
    sigset_t before;
    block_signals(&before);
    int rc = amesh_managed_stop(timeout_ms);
    restore_signals(&before);
    return rc;
}

EXPORT const char *amesh_version(void)
{
    return AMESH_VERSION;
}
