/*
 * The options of pk run.
 */
#include "apply.h"

#include "apply-limits.h"
#include "lists.h"
#include "message.h"
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Time ------------------------------------------------------------------------------------------------------- */

static int apply_timeout(void *target, const char *value)
{
    struct run_request *request = target;
    pk_error error;
    if (pk_parse_duration(value, &request->timeout, &error) < 0)
        return say_refused("--timeout", &error);
    if (request->timeout == 0) {
        say("--timeout: a timeout of 0 leaves no time at all");
        return -1;
    }
    pk_command_timeout(request->command, request->timeout);
    return 0;
}

static int apply_idle_timeout(void *target, const char *value)
{
    struct run_request *request = target;
    pk_error error;
    if (pk_parse_duration(value, &request->idle_timeout, &error) < 0)
        return say_refused("--idle-timeout", &error);
    if (request->idle_timeout == 0) {
        say("--idle-timeout: an idle timeout of 0 leaves no time at all");
        return -1;
    }
    return 0;
}

static int apply_grace(void *target, const char *value)
{
    struct run_request *request = target;
    pk_error error;
    if (pk_parse_duration(value, &request->grace, &error) < 0)
        return say_refused("--grace", &error);
    pk_command_grace(request->command, request->grace);
    return 0;
}

static int apply_signal(void *target, const char *value)
{
    struct run_request *request = target;
    int number;
    pk_error error;
    if (pk_parse_signal(value, &number, &error) < 0)
        return say_refused("--signal", &error);
    pk_command_stop_signal(request->command, number);
    return 0;
}

/* ---- Detaching -------------------------------------------------------------------------------------------------- */

static int apply_detach(void *target, const char *value)
{
    struct run_request *request = target;
    free(request->detach);
    request->detach = strdup(value);
    if (request->detach)
        return 0;
    say("out of memory");
    return -1;
}

/* ---- Guarantees -------------------------------------------------------------------------------------------------- */

static int apply_leftovers(void *target, const char *value)
{
    static const char *const names[] = {
        [PK_LEFTOVERS_KILL] = "kill",
        [PK_LEFTOVERS_WAIT] = "wait",
        [PK_LEFTOVERS_ALLOW] = "allow",
        [PK_LEFTOVERS_FAIL] = "fail",
    };
    struct run_request *request = target;
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], value) == 0) {
            pk_command_leftovers(request->command, (pk_leftovers)i);
            return 0;
        }
    say("--leftovers: unknown policy '%s' (kill, wait, allow or fail)", value);
    return -1;
}

static int apply_require(void *target, const char *value)
{
    struct run_request *request = target;
    return read_guarantees(value, &request->group.require);
}

static int apply_mechanism(void *target, const char *value)
{
    struct run_request *request = target;
    pk_error error;
    if (pk_mechanism_parse(value, &request->group.mechanism, &error) < 0)
        return say_refused("--mechanism", &error);
    return 0;
}

/* ---- Environment ------------------------------------------------------------------------------------------------ */

static int apply_chdir(void *target, const char *value)
{
    struct run_request *request = target;
    if (*value == '\0') {
        say("--chdir: the directory's name is empty");
        return -1;
    }
    pk_command_chdir(request->command, value);
    return 0;
}

/* Values may be secrets: only the name is ever shown. */
static int set_variable(struct run_request *request, const char *where, const char *text)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text) {
        say("%s: NAME=VALUE is expected, with a name that is not empty", where);
        return -1;
    }
    char *name = strndup(text, (size_t)(equals - text));
    if (!name) {
        say("out of memory");
        return -1;
    }
    pk_command_setenv(request->command, name, equals + 1);
    free(name);
    return 0;
}

static int apply_env(void *target, const char *value)
{
    return set_variable(target, "--env", value);
}

static int apply_unset_env(void *target, const char *value)
{
    struct run_request *request = target;
    if (*value == '\0' || strchr(value, '=')) {
        say("--unset-env: '%s' is no name for a variable", value);
        return -1;
    }
    pk_command_unsetenv(request->command, value);
    return 0;
}

static int apply_clear_env(void *target, const char *value)
{
    struct run_request *request = target;
    (void)value;
    pk_command_clearenv(request->command);
    return 0;
}

/* NAME=VALUE by line; empty lines and those that begin with # do not count. */
static int read_env_file(struct run_request *request, const char *path, FILE *file)
{
    char *line = NULL, where[512];
    size_t capacity = 0;
    ssize_t length;
    int r = 0;
    for (unsigned number = 1; r == 0 && (length = getline(&line, &capacity, file)) >= 0; number++) {
        if (length > 0 && line[length - 1] == '\n')
            line[--length] = '\0';
        snprintf(where, sizeof(where), "%s, line %u", path, number);
        if (strlen(line) != (size_t)length) {
            say("%s: there is a NUL byte in it", where);
            r = -1;
        } else if (line[0] != '\0' && line[0] != '#') {
            r = set_variable(request, where, line);
        }
    }
    if (r == 0 && ferror(file)) {
        say("cannot read %s: %s", path, strerror(errno));
        r = -1;
    }
    free(line);
    return r;
}

static int apply_env_file(void *target, const char *value)
{
    FILE *file = fopen(value, "re");
    if (!file) {
        say("cannot open %s: %s", value, strerror(errno));
        return -1;
    }
    int r = read_env_file(target, value, file);
    fclose(file);
    return r;
}

/* ---- Identity and kernel attributes ----------------------------------------------------------------------------- */

static int apply_uid(void *target, const char *value)
{
    struct run_request *request = target;
    uid_t uid;
    if (read_user(value, &uid) < 0)
        return -1;
    pk_command_uid(request->command, uid);
    return 0;
}

static int apply_gid(void *target, const char *value)
{
    struct run_request *request = target;
    gid_t gid;
    if (read_group("--gid", value, &gid) < 0)
        return -1;
    pk_command_gid(request->command, gid);
    return 0;
}

enum { MOST_GROUPS = 1024 };

struct groups {
    gid_t items[MOST_GROUPS];
    size_t count;
};

static int add_group(const char *part, void *data)
{
    struct groups *groups = data;
    if (groups->count == MOST_GROUPS) {
        say("--groups: more than %d of them", MOST_GROUPS);
        return -1;
    }
    return read_group("--groups", part, &groups->items[groups->count++]);
}

static int apply_groups(void *target, const char *value)
{
    struct run_request *request = target;
    struct groups groups = {.count = 0};
    if (*value != '\0' && each_part("--groups", value, add_group, &groups) < 0) /* an empty list drops them all */
        return -1;
    pk_command_groups(request->command, groups.items, groups.count);
    return 0;
}

static int apply_umask(void *target, const char *value)
{
    struct run_request *request = target;
    char *end;
    unsigned long mask = strtoul(value, &end, 8);
    if (*value < '0' || *value > '7' || *end || mask > 0777) {
        say("--umask: '%s' is no octal mask from 0 to 777", value);
        return -1;
    }
    pk_command_umask(request->command, (mode_t)mask);
    return 0;
}

static int apply_nice(void *target, const char *value)
{
    struct run_request *request = target;
    uint64_t number;
    bool negative = *value == '-';
    if (pk_parse_number(value + negative, 0, negative ? 20 : 19, &number, NULL) < 0) {
        say("--nice: '%s' is no nice value from -20 to 19", value);
        return -1;
    }
    pk_command_nice(request->command, negative ? -(int)number : (int)number);
    return 0;
}

static int apply_rlimit(void *target, const char *value)
{
    struct run_request *request = target;
    int resource;
    uint64_t soft, hard;
    if (read_rlimit(value, &resource, &soft, &hard) < 0)
        return -1;
    pk_command_rlimit(request->command, resource, soft, hard);
    return 0;
}

static int apply_setsid(void *target, const char *value)
{
    struct run_request *request = target;
    (void)value;
    pk_command_setsid(request->command);
    return 0;
}

/* The command has it since before the others, which may say something else about a descriptor. */
static int apply_pty(void *target, const char *value)
{
    (void)value;
    ((struct run_request *)target)->pty = true;
    return 0;
}

static int apply_cpu_affinity(void *target, const char *value)
{
    struct run_request *request = target;
    unsigned processors[MOST_PROCESSORS];
    size_t count;
    if (read_processors(value, processors, &count) < 0)
        return -1;
    pk_command_cpu_affinity(request->command, processors, count);
    return 0;
}

/* ---- Descriptors ------------------------------------------------------------------------------------------------ */

static int apply_stdin(void *target, const char *value)
{
    struct run_request *request = target;
    request->has_stdin = true;
    pk_command_file(request->command, 0, value, PK_FILE_READ);
    return 0;
}

static void redirect(struct run_request *request, int fd, const char *value)
{
    bool append = *value == '+';
    pk_command_file(request->command, fd, value + append, append ? PK_FILE_APPEND : PK_FILE_TRUNCATE);
}

static int apply_stdout(void *target, const char *value)
{
    redirect(target, 1, value);
    return 0;
}

static int apply_stderr(void *target, const char *value)
{
    redirect(target, 2, value);
    return 0;
}

static int apply_capture(void *target, const char *value)
{
    struct run_request *request = target;
    free(request->capture);
    request->capture = strdup(value);
    if (!request->capture)
        say("out of memory");
    return request->capture ? 0 : -1;
}

static int apply_capture_max(void *target, const char *value)
{
    struct run_request *request = target;
    pk_error error;
    if (pk_parse_size(value, &request->capture_max, &error) < 0)
        return say_refused("--capture-max", &error);
    if (request->capture_max == 0 || request->capture_max > SIZE_MAX / 4) {
        say("--capture-max: %s is no number of bytes that can be kept", value);
        return -1;
    }
    return 0;
}

/* ---- What pk says ----------------------------------------------------------------------------------------------- */

static int apply_stats(void *target, const char *value)
{
    (void)value;
    ((struct run_request *)target)->stats = true;
    return 0;
}

static int apply_quiet(void *target, const char *value)
{
    (void)value;
    ((struct run_request *)target)->quiet = true;
    return 0;
}

static int apply_verbose(void *target, const char *value)
{
    (void)value;
    ((struct run_request *)target)->verbose = true;
    return 0;
}

const struct option_row run_options[] = {
    {"timeout", 't', "DUR", apply_timeout, "end the tree after this time: 90, 250ms, 1.5s, 5m, 1h30m"},
    {"idle-timeout", 0, "DUR", apply_idle_timeout, "end the tree when it has written nothing for this time"},
    {"grace", 'k', "DUR", apply_grace, "from the soft signal to the hard kill (default 2s; 0: kill at once)"},
    {"signal", 's', "SIG", apply_signal, "the soft signal (default TERM)"},
    {"memory-max", 0, "SIZE", apply_memory_max, "memory for the tree, such as 512M or 2G"},
    {"swap-max", 0, "SIZE", apply_swap_max, "swap on top of it (default 0), or max"},
    {"memory-high", 0, "SIZE", apply_memory_high, "memory beyond which the tree is slowed down"},
    {"oom", 0, "WHO", apply_oom, "beyond --memory-max the whole group is killed (default), or one"},
    {"pids-max", 0, "N", apply_pids_max, "processes and threads for the tree"},
    {"cpu-max", 0, "CORES", apply_cpu_max, "processors for the tree, such as 0.5 or 2"},
    {"cpu-weight", 0, "N", apply_cpu_weight, "its weight against others, 1 to 10000 (default 100)"},
    {"cpus", 0, "LIST", apply_cpus, "the processors for the tree, such as 0-3,8"},
    {"memory-nodes", 0, "LIST", apply_memory_nodes, "the NUMA nodes for the tree's memory"},
    {"io-weight", 0, "N", apply_io_weight, "its weight for input and output, 1 to 10000"},
    {"io-max", 0, "DEV:K=V", apply_io_max,
     "limits for a disk, by rbps, wbps, riops, wiops, weight: 8:0:rbps=10M,wiops=50"},
    {"limits-by", 0, "LIST", apply_limits_by, "how limits may be had: root, present, leaf, scope"},
    {"leftovers", 0, "POLICY", apply_leftovers, "what PROGRAM leaves behind: kill, wait, allow or fail"},
    {"require", 0, "BITS", apply_require,
     "refuse to run without these guarantees: cgroup, whole-tree, owner-death, limits, usage"},
    {"mechanism", 0, "NAME", apply_mechanism, "auto, cgroup2, reaper or process_group"},
    {"chdir", 'C', "DIR", apply_chdir, "run in this directory"},
    {"env", 0, "K=V", apply_env, "set a variable"},
    {"unset-env", 0, "K", apply_unset_env, "remove a variable"},
    {"clear-env", 0, NULL, apply_clear_env, "start from an empty environment"},
    {"env-file", 0, "FILE", apply_env_file, "set variables from lines K=V"},
    {"uid", 0, "USER", apply_uid, "run as this user, by number or name"},
    {"gid", 0, "GROUP", apply_gid, "run as this group"},
    {"groups", 0, "LIST", apply_groups, "with these supplementary groups"},
    {"umask", 0, "MASK", apply_umask, "with this umask, in octal"},
    {"nice", 0, "N", apply_nice, "with this nice value, -20 to 19"},
    {"rlimit", 0, "R=S[:H]", apply_rlimit, "with this limit per process, such as nofile=64"},
    {"setsid", 0, NULL, apply_setsid, "in a session of its own"},
    {"pty", 0, NULL, apply_pty, "in a new terminal, which is shown in this one"},
    {"cpu-affinity", 0, "LIST", apply_cpu_affinity, "on these processors, such as 0-3,8"},
    {"stdin", 0, "FILE", apply_stdin, "read stdin from this file"},
    {"stdout", 0, "FILE", apply_stdout, "write stdout to this file; +FILE appends"},
    {"stderr", 0, "FILE", apply_stderr, "write stderr to this file; +FILE appends"},
    {"capture", 0, "DIR", apply_capture, "write stdout and stderr to files in this directory too"},
    {"capture-max", 0, "SIZE", apply_capture_max, "only so much of each, half of it from the end"},
    {"detach", 0, "NAME", apply_detach, "leave PROGRAM running on its own under this name (see pk list, pk stop)"},
    {"stats", 0, NULL, apply_stats, "tell at the end how it went and what it used"},
    {"quiet", 'q', NULL, apply_quiet, "say nothing but errors"},
    {"verbose", 'v', NULL, apply_verbose, "tell the mechanism and what is done"},
    {NULL, 0, NULL, NULL, NULL},
};
