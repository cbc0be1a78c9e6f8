/*
 * Mistakes in service files: each is told in a line of its own, with its place.
 */
#include "harness.h"
#include "reading.h"

#include <stdlib.h>
#include <string.h>

struct mistake {
    const char *text, *said;
};

static void check(const char *text, const struct mistake *mistake)
{
    struct service_plans plans;
    const char *said = read_services(text, strlen(text), &plans);
    size_t length = strlen(mistake->said);
    bool is_beginning = length > 6 && strcmp(mistake->said + length - 6, "TOML: ") == 0;
    if (is_beginning ? strncmp(said, mistake->said, length) != 0 || strchr(said, '\n')
                     : strcmp(said, mistake->said) != 0)
        fail_msg("%s\n... %s\ninstead of\n... %s", text, said, mistake->said);
}

/* In the third line, of a service that has nothing but a command. */
static const struct mistake mistakes_in_a_service[] = {
    {"comand = [\"a\"]", "3:1: unknown key 'comand' in service 'web' (did you mean 'command'?)"},
    {"restrat = \"always\"", "3:1: unknown key 'restrat' in service 'web' (did you mean 'restart'?)"},
    {"xyzzy = 1", "3:1: unknown key 'xyzzy' in service 'web'"},
    {"command = [\"b\"]", "3:11: no valid TOML: "},
    {"stdin = \"x\"", "3:1: unknown key 'stdin' in service 'web'"},
    {"grace = \"5 parsecs\"", "3:9: grace: invalid duration '5 parsecs': a number with us, ms, s, m, h or d is "
                              "expected, such as 1.5s or 1h30m"},
    {"grace = true", "3:9: grace: a duration, such as \"1m30s\" or 90, is expected, and this is true or false"},
    {"grace = \"-1s\"",
     "3:9: grace: invalid duration '-1s': a number with us, ms, s, m, h or d is expected, such as 1.5s or 1h30m"},
    {"grace = -1",
     "3:9: grace: invalid duration '-1': a number with us, ms, s, m, h or d is expected, such as 1.5s or 1h30m"},
    {"grace = [\"2s\"]", "3:9: grace: a duration, such as \"1m30s\" or 90, is expected, and this is an array"},
    {"grace = 2020-01-01",
     "3:9: grace: a duration, such as \"1m30s\" or 90, is expected, and this is a date or a time"},
    {"timeout = 0", "3:11: timeout: a timeout of 0 leaves no time at all"},
    {"timeout = inf", "3:11: timeout: invalid duration 'inf': a number with us, ms, s, m, h or d is expected, such "
                      "as 1.5s or 1h30m"},
    {"stop-signal = \"NOPE\"",
     "3:15: stop-signal: invalid signal 'NOPE': a name such as TERM or a number from 1 to 64 is expected"},
    {"stop-signal = 0",
     "3:15: stop-signal: invalid signal '0': a name such as TERM or a number from 1 to 64 is expected"},
    {"stop-signal = 1.5",
     "3:15: stop-signal: a signal, such as \"TERM\", is expected, and this is a number with a fraction"},
    {"reload-signal = \"nothing\"",
     "3:17: reload-signal: invalid signal 'nothing': a name such as TERM or a number from 1 to 64 is expected"},
    {"leftovers = \"keep\"", "3:13: leftovers: unknown policy 'keep' (kill, wait, allow or fail)"},
    {"leftovers = \"allow\"", "3:13: leftovers: what a service leaves behind cannot live on: it is never started again "
                              "before its tree is empty (kill, wait or fail)"},
    {"leftovers = 1", "3:13: leftovers: a string is expected, and this is a whole number"},
    {"mechanism = \"docker\"", "3:13: mechanism: unknown mechanism 'docker' (auto, cgroup2, reaper or process_group)"},
    {"require = \"everything\"",
     "3:11: require: unknown guarantee 'everything' (cgroup, whole-tree, owner-death, limits or usage)"},
    {"require = [\"whole-tree\", \"everything\"]",
     "3:11: require: unknown guarantee 'everything' (cgroup, whole-tree, owner-death, limits or usage)"},
    {"require = [[\"usage\"]]", "3:12: require: a string is expected, and this is an array"},
    {"require = []", "3:11: require: '': an element of the list is empty"},
    {"directory = \"\"", "3:13: directory: the directory's name is empty"},
    {"directory = [\"/\"]", "3:13: directory: a path in a string is expected, and this is an array"},
    {"user = \"nobody-there\"", "3:8: user: there is no user 'nobody-there'"},
    {"user = -1", "3:8: user: there is no user '-1'"},
    {"user = true", "3:8: user: a name or a number is expected, and this is true or false"},
    {"group = \"nobody-there\"", "3:9: group: there is no group 'nobody-there'"},
    {"groups = [\"nobody-there\"]", "3:10: groups: there is no group 'nobody-there'"},
    {"umask = 0o22", "3:9: umask: a string is expected, and this is a whole number"},
    {"umask = \"999\"", "3:9: umask: '999' is no octal mask from 0 to 777"},
    {"nice = 40", "3:8: nice: '40' is no nice value from -20 to 19"},
    {"nice = \"5\"", "3:8: nice: a whole number is expected, and this is a string"},
    {"nice = 0.5", "3:8: nice: a whole number is expected, and this is a number with a fraction"},
    {"cpu-affinity = \"9999\"", "3:16: cpu-affinity: '9999' is no processor from 0 to 1023, nor a range of them"},
    {"cpu-affinity = [\"x\"]", "3:16: cpu-affinity: 'x' is no processor from 0 to 1023, nor a range of them"},
    {"rlimit = \"nofile=64\"", "3:10: rlimit: a table is expected, and this is a string"},
    {"rlimit = { nofile = true }", "3:21: rlimit: SOFT or \"SOFT:HARD\" is expected, and this is true or false"},
    {"rlimit = { files = 64 }",
     "3:20: rlimit: 'files=64': RESOURCE=SOFT[:HARD] is expected, such as nofile=64 (see pk-run(1) for the names)"},
    {"rlimit.nofile = \"64:\"",
     "3:17: rlimit: nofile: invalid number '': a whole number from 0 to 18446744073709551614 is expected"},
    {"environment = [\"A=1\"]", "3:15: environment: a table is expected, and this is an array"},
    {"environment = { A = true }",
     "3:21: environment: the value of A must be a string or a whole number, and this is true or false"},
    {"environment = { A = 1.5 }",
     "3:21: environment: the value of A must be a string or a whole number, and this is a number with a fraction"},
    {"environment = { \"A=B\" = \"1\" }", "3:25: environment: 'A=B' is no name for a variable"},
    {"environment = { \"\" = \"1\" }", "3:22: environment: '' is no name for a variable"},
    {"environment = { A = \"\\u0000\" }", "3:21: there is a NUL character in this text"},
    {"clear-environment = \"yes\"", "3:21: clear-environment: true or false is expected, and this is a string"},
    {"unset-environment = [\"A=B\"]", "3:22: unset-environment: 'A=B' is no name for a variable"},
    {"unset-environment = [1]", "3:22: unset-environment: a string is expected, and this is a whole number"},
    {"env-file = \"no-such-file\"", "3:12: env-file: cannot open /etc/no-such-file: No such file or directory"},
    {"env-file = [\"no-such-file\", \"neither\"]",
     "3:13: env-file: cannot open /etc/no-such-file: No such file or directory\n3:29: env-file: cannot open "
     "/etc/neither: No such file or directory"},
    {"env-file = 1", "3:12: env-file: a string or an array of strings is expected, and this is a whole number"},
    {"limits = \"512M\"", "3:10: limits: a table is expected, and this is a string"},
    {"limits.memory-max = \"lots\"", "3:21: limits.memory-max: invalid size 'lots': a number of bytes, or with K, "
                                     "M, G, T or P, is expected, such as 512M"},
    {"limits.memory-max = 0", "3:21: limits.memory-max: a limit of 0 leaves nothing to run with"},
    {"limits.memory-max = 1.5",
     "3:21: limits.memory-max: a size, such as \"512M\", is expected, and this is a number with a fraction"},
    {"limits.memroy-max = \"1G\"",
     "3:8: unknown key 'limits.memroy-max' in service 'web' (did you mean 'memory-max'?)"},
    {"limits.swap-max = \"x\"", "3:19: limits.swap-max: invalid size 'x': a number of bytes, or with K, M, G, T or "
                                "P, is expected, such as 512M"},
    {"limits.oom = \"all\"", "3:14: limits.oom: unknown word 'all' (group or one)"},
    {"limits.pids-max = 0", "3:19: limits.pids-max: invalid number '0': a whole number from 1 to 4194304 is expected"},
    {"limits.pids-max = \"64\"", "3:19: limits.pids-max: a whole number is expected, and this is a string"},
    {"limits.cpu-max = 0", "3:18: limits.cpu-max: invalid number of processors '0': a number greater than 0 is "
                           "expected, such as 0.5 or 2"},
    {"limits.cpu-max = \"two\"", "3:18: limits.cpu-max: invalid number of processors 'two': a number greater than "
                                 "0 is expected, such as 0.5 or 2"},
    {"limits.cpu-weight = 10001",
     "3:21: limits.cpu-weight: invalid number '10001': a whole number from 1 to 10000 is expected"},
    {"limits.cpus = []", "3:15: limits.cpus: the list is empty"},
    {"limits.io-weight = -1",
     "3:20: limits.io-weight: invalid number '-1': a whole number from 1 to 10000 is expected"},
    {"limits.io-max = \"10M\"",
     "3:17: limits.io-max: '10M': DEVICE:KEY=VALUE is expected, such as 8:0:rbps=10M or /home:wiops=100"},
    {"limits.io-max = [\"8:0:speed=1\"]",
     "3:18: limits.io-max: '8:0:speed=1': DEVICE:KEY=VALUE is expected, such as 8:0:rbps=10M or /home:wiops=100"},
    {"limits.limits-by = \"magic\"",
     "3:20: limits.limits-by: unknown delegation 'magic' (root, present, leaf or scope)"},
    {"restart = \"sometimes\"", "3:11: restart.policy: \"on-failure\", \"always\" or \"never\" is expected"},
    {"restart = true", "3:11: restart: a table or a string is expected, and this is true or false"},
    {"restart.policy = 1", "3:18: restart.policy: a string is expected, and this is a whole number"},
    {"restart.most = -1", "3:16: restart.most: a whole number from 0 to 4294967295 is expected"},
    {"restart.most = 4294967296", "3:16: restart.most: a whole number from 0 to 4294967295 is expected"},
    {"restart.most = \"3\"", "3:16: restart.most: a whole number is expected, and this is a string"},
    {"restart.burst = 65", "3:17: restart.burst: a whole number from 0 to 64 is expected"},
    {"restart.burst = 3", "3:1: restart: burst takes a burst-time as well"},
    {"restart.burst-time = 0", "3:22: restart.burst-time: it must be more than 0"},
    {"restart.burst-time = \"1m\"", "3:22: restart.burst-time: it takes a burst as well"},
    {"restart.factor = 0", "3:18: restart.factor: a whole number from 1 to 1000 is expected"},
    {"restart.jitter = 1", "3:18: restart.jitter: true or false is expected, and this is a whole number"},
    {"restart = { first-pause = \"1m\", most-pause = \"1s\" }", "3:11: restart: first-pause is longer than most-pause"},
    {"restart.storm-failures = 65", "3:26: restart.storm-failures: a whole number from 0 to 64 is expected"},
    {"restart.storm-time = \"0s\"", "3:22: restart.storm-time: it must be more than 0"},
    {"restart.pause = \"1s\"", "3:9: unknown key 'restart.pause' in service 'web'"},
    {"ready = \"notify\"", "3:9: ready: a table is expected, and this is a string"},
    {"ready = {}", "3:9: ready: exactly one of port, socket, path, http, line, fd, notify, end and command is "
                   "expected, and there is none"},
    {"ready = { timeout = \"5s\" }", "3:9: ready: exactly one of port, socket, path, http, line, fd, notify, end "
                                     "and command is expected, and there is none"},
    {"ready = { port = 80, path = \"/x\" }", "3:9: ready: exactly one of port, socket, path, http, line, fd, "
                                             "notify, end and command is expected, and there are more"},
    {"ready.port = 0", "3:14: ready.port: a port from 1 to 65535 is expected, or ADDRESS:PORT in a string, where "
                       "the address is a number or localhost"},
    {"ready.port = \"example.org:80\"", "3:14: ready.port: a port from 1 to 65535 is expected, or ADDRESS:PORT in "
                                        "a string, where the address is a number or localhost"},
    {"ready.port = \"::1:80\"", "3:14: ready.port: a port from 1 to 65535 is expected, or ADDRESS:PORT in a "
                                "string, where the address is a number or localhost"},
    {"ready.port = true", "3:14: ready.port: a port from 1 to 65535 is expected, or ADDRESS:PORT in a string, "
                          "where the address is a number or localhost"},
    {"ready.socket = \"\"", "3:16: ready.socket: it is empty"},
    {"ready.socket = "
     "\"/"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "\"",
     "3:16: ready.socket: the path of a socket has at most 107 bytes, from the root on"},
    {"ready.http = \"https://localhost/\"",
     "3:14: ready.http: http://ADDRESS[:PORT][/PATH] is expected, where the address is a number or localhost"},
    {"ready.http = \"http://example.org/\"",
     "3:14: ready.http: http://ADDRESS[:PORT][/PATH] is expected, where the address is a number or localhost"},
    {"ready.http = \"http://localhost/a b\"",
     "3:14: ready.http: http://ADDRESS[:PORT][/PATH] is expected, where the address is a number or localhost"},
    {"ready = { http = \"http://localhost/\", status = 100 }",
     "3:48: ready.status: a status from 200 to 999 is expected, or two: [200, 299]"},
    {"ready = { http = \"http://localhost/\", status = [299, 200] }",
     "3:48: ready.status: a status from 200 to 999 is expected, or two: [200, 299]"},
    {"ready = { path = \"/x\", status = 200 }", "3:9: ready: status is a part of http, which is not there"},
    {"ready.line = \"\"", "3:14: ready.line: a text is expected that can be in a line"},
    {"ready.line = \"two\\nlines\"", "3:14: ready.line: a text is expected that can be in a line"},
    {"ready = { line = \"x\", from = \"stdin\" }", "3:30: ready.from: \"stdout\" or \"stderr\" is expected"},
    {"ready = { fd = 3, from = \"stderr\" }", "3:9: ready: from is a part of line, which is not there"},
    {"ready.fd = 2", "3:12: ready.fd: a descriptor from 3 to 65535 is expected"},
    {"ready.fd = \"3\"", "3:12: ready.fd: a whole number is expected, and this is a string"},
    {"ready.notify = false", "3:16: ready.notify: only true makes sense; leave it out"},
    {"ready = { end = true, timeout = 5 }", "3:9: ready: end takes no timeout: there is the one of the service"},
    {"ready.command = \"pg_isready\"", "3:17: ready.command: an array of strings is expected, and this is a string"},
    {"ready.command = []", "3:17: ready.command: an array of strings is expected, and this is an empty one"},
    {"ready = { fd = 3, timeout = 0 }", "3:29: ready.timeout: it must be more than 0"},
    {"alive = { heartbeat = \"/x\" }", "3:9: alive: heartbeat takes most as well: how often it is to be touched"},
    {"alive.most = \"5s\"",
     "3:1: alive: exactly one of port, socket, path, http, command and heartbeat is expected, and there is none"},
    {"alive = { path = \"/x\", most = \"5s\" }", "3:9: alive: most is a part of heartbeat, which is not there"},
    {"alive = { path = \"/x\", failures = 0 }",
     "3:35: alive.failures: a whole number from 1 to 4294967295 is expected"},
    {"alive = { path = \"/x\", interval = 0 }", "3:35: alive.interval: it must be more than 0"},
    {"alive = { path = \"/x\", timeout = \"forever\" }",
     "3:34: alive.timeout: invalid duration 'forever': a number with us, ms, s, m, h or d is expected, such as "
     "1.5s or 1h30m"},
    {"alive.notify = true", "3:1: alive: exactly one of port, socket, path, http, command and heartbeat is "
                            "expected, and there is none\n3:7: unknown key 'alive.notify' in service 'web'"},
    {"alive.line = \"x\"", "3:1: alive: exactly one of port, socket, path, http, command and heartbeat is "
                           "expected, and there is none\n3:7: unknown key 'alive.line' in service 'web'"},
    {"notify = \"yes\"", "3:10: notify: true or false is expected, and this is a string"},
    {"watchdog = 0", "3:12: watchdog: it must be more than 0"},
    {"needs = \"database\"", "3:9: needs: an array of strings is expected, and this is a string"},
    {"needs = [\"database\"]", "3:10: needs: there is no service 'database'"},
    {"needs = [\"web\"]", "3:10: services need each other in a circle: web -> web"},
    {"needs = [\"wbe\"]", "3:10: needs: there is no service 'wbe' (did you mean 'web'?)"},
    {"needs = [1]", "3:10: needs: a string is expected, and this is a whole number"},
    {"log = true", "3:7: log: a table or a string is expected, and this is true or false"},
    {"log = \"\"", "3:7: log.path: it is empty"},
    {"log.most-bytes = -1", "3:18: log.most-bytes: invalid size '-1': a number of bytes, or with K, M, G, T or P, "
                            "is expected, such as 512M"},
    {"log.keep = 10000", "3:12: log.keep: a whole number from 0 to 9999 is expected"},
    {"log.times = \"utc\"", "3:13: log.times: true or false is expected, and this is a string"},
    {"log.keep = 3", "3:12: log.keep: it takes a log that is a file"},
    {"log = { path = \"stderr\", most-bytes = 0 }", "3:39: log.most-bytes: it takes a log that is a file"},
    {"log = { path = \"none\", times = true }", "3:32: log.times: it takes a log that is a file or stderr"},
    {"log = { path = 1, keep = 3 }", "3:16: log.path: a string is expected, and this is a whole number"},
    {"log.size = 1", "3:5: unknown key 'log.size' in service 'web'"},
    {"ready.line = \"x\"\nlog = \"none\"",
     "1:10: service 'web' is ready by a line, which takes a log that is a file or stderr"},
    {"ready.end = true\nrestart = \"always\"",
     "3:1: service 'web' is ready when it has ended, and is always restarted then"},
    {"leftovers = \"allow\"\nready = { end = true }\nrestart = \"always\"",
     "3:13: leftovers: what a service leaves behind cannot live on: it is never started again before its tree is empty "
     "(kill, wait or fail)\n4:9: service 'web' is ready when it has ended, and is always restarted then"},
};

static const struct mistake mistakes_in_a_file[] = {
    {"", "1:1: there is no service in it: [service.NAME]"},
    {"# nothing", "1:1: there is no service in it: [service.NAME]"},
    {"service = 1", "1:11: service: a table is expected, [service.NAME], and this is a whole number"},
    {"[service]", "1:2: there is no service in it: [service.NAME]"},
    {"[[service]]", "1:1: service: a table is expected, [service.NAME], and this is an array"},
    {"[[service.web]]", "1:1: service 'web': a table is expected, [service.web], and this is an array"},
    {"[service.web]", "1:10: service 'web' has no command"},
    {"[service.web]\ncommand = \"sleep 5\"",
     "2:11: command: an array of strings is expected, such as [\"sleep\", \"60\"]: there is no shell"},
    {"[service.web]\ncommand = []", "2:11: command: an array of strings is expected, and this is an empty one"},
    {"[service.web]\ncommand = [\"\"]", "2:11: command: the program's name is empty"},
    {"[service.web]\ncommand = [\"a\", 1]", "2:17: command: a string is expected, and this is a whole number"},
    {"[service.web]\ncommand = [\"\"\" \"\"\", \"a\\u0000\"]", "2:21: there is a NUL character in this text"},
    {"[service.web\ncommand", "1:13: no valid TOML: "},
    {"[service.\"a b\"]\ncommand = [\"a\"]",
     "1:10: 'a b' is no name for a service: 1 to 64 letters, digits and .-_@ are"},
    {"[service.\"\"]\ncommand = [\"a\"]", "1:10: '' is no name for a service: 1 to 64 letters, digits and .-_@ are"},
    {"[service.web.v2]\ncommand = [\"a\"]",
     "1:10: service 'web' has no command\n1:14: unknown key 'v2' in service 'web'"},
    {"[service]\nweb = \"a\"", "2:7: service 'web': a table is expected, [service.web], and this is a string"},
    {"[services.web]\ncommand = [\"a\"]", "1:1: there is no service in it: [service.NAME]\n1:2: unknown key "
                                          "'services' outside of services (did you mean 'service'?)"},
    {"[default]\ngrace = 1\n[service.a]\ncommand = [\"a\"]",
     "1:2: unknown key 'default' outside of services (did you mean 'defaults'?)"},
    {"[defaults]\ncommand = [\"a\"]\nneeds = []\n[service.a]\ncommand = [\"a\"]",
     "2:11: command: this is each service's own\n3:9: needs: this is each service's own"},
    {"[defaults]\ngrace = true\n[service.a]\ncommand = [\"a\"]\n[service.b]\ncommand = [\"a\"]",
     "2:9: grace: a duration, such as \"1m30s\" or 90, is expected, and this is true or false"},
    {"[defaults]\nready.end = true\nrestart = \"always\"\n[service.a]\ncommand = [\"a\"]",
     "4:10: service 'a' is ready when it has ended, and is always restarted then"},
    {"[defaults]\ngrcae = 1\n[service.a]\ncommand = [\"a\"]",
     "2:1: unknown key 'grcae' in [defaults] (did you mean 'grace'?)"},
    {"defaults = 1\n[service.a]\ncommand = [\"a\"]",
     "1:12: defaults: a table is expected, [defaults], and this is a whole number"},
    {"[service.a]\ncommand = [\"a\"]\nneeds = [\"b\"]\n[service.b]\ncommand = [\"b\"]\nneeds = "
     "[\"c\"]\n[service.c]\ncommand = [\"c\"]\nneeds = [\"b\"]",
     "9:10: services need each other in a circle: b -> c -> b"},
    {"[service.a]\ncommand = [\"a\"]\nlog = \"x\"\n[service.b]\ncommand = [\"b\"]\nlog.path = "
     "\"./y\"\n[service.c]\ncommand = [\"c\"]\nlog = \"x\"",
     "9:7: log.path: 'a' and 'c' would write to one file"},
    {"[service.a]\ncommand = [\"a\"]\nlog = \"/proc/self/cwd/x\"\n[service.b]\ncommand = [\"b\"]\nlog = "
     "\"/x\"\n[service.c]\ncommand = [\"c\"]\nlog.path = \"/proc/self/cwd/./x\"",
     "9:12: log.path: 'a' and 'c' would write to one file"},
    {"[service.a]\ncommand = [\"a\"]\ncommand = [\"b\"]", "3:11: no valid TOML: "},
    {"[service.a]\ncommand = [\"a\"]\n[service.b]\ncommand = [\"a\"]\n[service.a]\ngrace = 1", "5:1: no valid TOML: "},
    {"[service.a]\ncommand = [\"a\"]\nenvironment.A = 1\nenvironment.A = 2", "4:17: no valid TOML: "},
    {"[service.a]\ncommand = [\"a\"]\ngrace = 1 2", "3:11: no valid TOML: "},
    {"[service.a]\ncommand = [\"a\"]\ngrace =", "3:8: no valid TOML: "},
    {"[service.a]\ncommand = [\"a\"", "2:16: no valid TOML: "},
    {"[service.a]\ncommand = \"a", "2:13: no valid TOML: "},
    {"[service.a]\ncommand = [\"a\"]\nx = \"\"\"", "3:9: no valid TOML: "},
    {"[service.a]\ncommand = [\"a\"]\ngrace = 01", "3:11: no valid TOML: "},
    {"[service.a]\ncommand = [\"a\"]\ngrace = 99999999999999999999", "3:29: no valid TOML: "},
    {"[service.a]\ncommand = [\"a\"]\nnice = 0x", "3:10: no valid TOML: "},
    {"a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q = 1", "1:32: this key has too many parts"},
    {"[[[", "1:3: no valid TOML: "},
    {"= 1", "1:1: no valid TOML: "},
    {"a = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1", "1:37: no valid TOML: "},
};

static void mistakes_in_a_service_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(mistakes_in_a_service) / sizeof(mistakes_in_a_service[0]); i++) {
        char text[1024];
        snprintf(text, sizeof(text), "[service.web]\ncommand = [\"web\"]\n%s\n", mistakes_in_a_service[i].text);
        check(text, &mistakes_in_a_service[i]);
    }
}

static void mistakes_in_a_file_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(mistakes_in_a_file) / sizeof(mistakes_in_a_file[0]); i++) {
        char text[1024];
        snprintf(text, sizeof(text), "%s%s", mistakes_in_a_file[i].text, *mistakes_in_a_file[i].text ? "\n" : "");
        check(text, &mistakes_in_a_file[i]);
    }
}

/* In the order of the file, and the last line stands for the rest. */
static void twenty_lines_are_told(void **state)
{
    char text[4096] = "[service.web]\ncommand = [\"web\"]\n", *end = text + strlen(text);
    struct service_plans plans;
    (void)state;
    for (int i = 0; i < 30; i++)
        end += sprintf(end, "x%d = 1\n", i);
    const char *said = read_services(text, strlen(text), &plans), *last = strrchr(said, '\n') + 1;
    size_t lines = 1;
    for (const char *next = said; (next = strchr(next, '\n')); next++)
        lines++;
    assert_int_equal(lines, 20);
    assert_memory_equal(said, "3:1: unknown key 'x0'", 21);
    assert_string_equal(last, "22:1: 11 more mistakes from here on");
}

/* Twenty are no reason to leave one out. */
static void the_twentieth_is_told(void **state)
{
    char text[4096] = "[service.web]\ncommand = [\"web\"]\n", *end = text + strlen(text);
    struct service_plans plans;
    (void)state;
    for (int i = 0; i < 20; i++)
        end += sprintf(end, "x%d = 1\n", i);
    const char *said = read_services(text, strlen(text), &plans);
    assert_string_equal(strrchr(said, '\n') + 1, "22:1: unknown key 'x19' in service 'web'");
}

static void what_is_shown_of_a_file_is_safe(void **state)
{
    static const char text[] = "[service.web]\ncommand = [\"web\"]\n\"\\u001b[2J\" = 1\n";
    struct service_plans plans;
    (void)state;
    assert_string_equal(read_services(text, sizeof(text) - 1, &plans), "3:1: unknown key '\\x1b[2J' in service 'web'");
}

static const struct test tests[] = {
    PK_TEST(mistakes_in_a_service_are_told), PK_TEST(mistakes_in_a_file_are_told),     PK_TEST(twenty_lines_are_told),
    PK_TEST(the_twentieth_is_told),          PK_TEST(what_is_shown_of_a_file_is_safe),
};
PK_TEST_MAIN(tests)
