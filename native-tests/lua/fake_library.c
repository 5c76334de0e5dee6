/* Stands for libxds.so in tests of how it is loaded: writes down each call, one line in $AMESH_FAKE_LOG.
 * With "fail" among its options it does not start. Built without AMESH_START it only has the stock entry point. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void note(const char *what, const char *text)
{
    FILE *log = fopen(getenv("AMESH_FAKE_LOG"), "a");
    if (log) {
        fprintf(log, "%s %d %s\n", what, (int) getpid(), text);
        fclose(log);
    }
}

void initial(void *config_zone, void *version_zone)
{
    note("initial", config_zone && version_zone && config_zone != version_zone ? "zones" : "no zones");
}

#ifdef AMESH_START
int amesh_start(int abi, void *config_zone, void *version_zone, const char *options, size_t options_len, char *err,
                size_t err_size)
{
    char text[4096];
    snprintf(text, sizeof text, "abi=%d %s %.*s", abi,
             config_zone && version_zone && config_zone != version_zone ? "zones" : "no zones",
             (int) options_len, options);
    note("start", text);
    if (strstr(text, "\"fail\"")) {
        snprintf(err, err_size, "told to fail");
        return 1;
    }
    return 0;
}

int amesh_status(char *buf, size_t size)
{
    const char *status = "{\"fake\":true}";
    snprintf(buf, size, "%s", status);
    return (int) strlen(status);
}

const char *amesh_version(void)
{
    return "fake";
}

int amesh_stop(int timeout_ms)
{
    note("stop", "");
    return timeout_ms > 0 ? 0 : 1;
}
#endif
