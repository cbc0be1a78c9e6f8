/*
 * What services have to do with each other.
 */
#include "service-order.h"

#include "nearest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum mark { NEW, OPEN, DONE };

struct node {
    const struct service_plan *plan;
    enum mark mark;
    size_t next; /* of its needs: the one to look at */

    /* Where its log is, if there is that directory already, whatever it is called. */
    bool has_directory;
    dev_t device;
    ino_t inode;
    const char *log_name; /* there; or the whole path. "": it has none */
};

struct graph {
    struct node *nodes;  /* by name */
    struct node **stack; /* those that are open: each needs the next */
    size_t count, depth;
    struct faults *faults;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct node *)a)->plan->name, ((const struct node *)b)->plan->name);
}

static int compare_name(const void *name, const void *node)
{
    return strcmp(name, ((const struct node *)node)->plan->name);
}

static struct node *find(const struct graph *graph, const char *name)
{
    return bsearch(name, graph->nodes, graph->count, sizeof(graph->nodes[0]), compare_name);
}

/* ---- Circles ----------------------------------------------------------------------------------------------------- */

enum { MOST_NAMES = 8 }; /* of a circle, which may be long */

/* "a -> b -> a", from the stack. */
static void complain_of_circle(const struct graph *graph, const struct node *first, struct toml_place place)
{
    char text[MOST_NAMES * 72 + 32] = "";
    size_t length = 0, at = graph->depth, names = 0;
    while (graph->stack[at - 1] != first)
        at--;
    for (size_t i = at - 1; i < graph->depth && names < MOST_NAMES; i++, names++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s -> ", graph->stack[i]->plan->name);
    if (graph->depth - (at - 1) > MOST_NAMES)
        snprintf(text + length, sizeof(text) - length, "... -> ");
    fault_add(graph->faults, place, "services need each other in a circle: %s%s", text, first->plan->name);
}

static void look_at_need(struct graph *graph, const struct need *need)
{
    struct node *node = find(graph, need->name);
    if (!node) {
        struct nearest nearest = {.to = need->name};
        for (size_t i = 0; i < graph->count; i++)
            nearest_try(&nearest, graph->nodes[i].plan->name);
        fault_add(graph->faults, need->place, "needs: there is no service '%.64s'%s%s%s", need->name,
                  nearest.word ? " (did you mean '" : "", nearest.word ? nearest.word : "", nearest.word ? "'?)" : "");
    } else if (node->mark == OPEN) {
        complain_of_circle(graph, node, need->place);
    } else if (node->mark == NEW) {
        node->mark = OPEN;
        graph->stack[graph->depth++] = node;
    }
}

/* In depth, without recursion: there may be thousands in a row. */
static void follow(struct graph *graph, struct node *start)
{
    if (start->mark != NEW)
        return;
    start->mark = OPEN;
    graph->stack[graph->depth++] = start;
    while (graph->depth > 0) {
        struct node *node = graph->stack[graph->depth - 1];
        if (node->next < node->plan->need_count) {
            look_at_need(graph, &node->plan->needs[node->next++]);
        } else {
            node->mark = DONE;
            graph->depth--;
        }
    }
}

/* ---- Logs -------------------------------------------------------------------------------------------------------- */

static void look_up_log(struct node *node)
{
    const char *path = node->plan->log_path, *slash = path ? strrchr(path, '/') : NULL;
    struct stat status;
    node->log_name = path ? path : "";
    char *directory = slash ? strndup(path, (size_t)(slash - path) + 1) : NULL;
    if (directory && stat(directory, &status) == 0) {
        node->has_directory = true;
        node->device = status.st_dev;
        node->inode = status.st_ino;
        node->log_name = slash + 1;
    }
    free(directory);
}

static int compare_places(const struct node *a, const struct node *b)
{
    if (a->has_directory != b->has_directory)
        return a->has_directory ? 1 : -1;
    if (a->device != b->device)
        return a->device < b->device ? -1 : 1;
    if (a->inode != b->inode)
        return a->inode < b->inode ? -1 : 1;
    return strcmp(a->log_name, b->log_name);
}

static int compare_logs(const void *a, const void *b)
{
    const struct service_plan *first = ((const struct node *)a)->plan, *second = ((const struct node *)b)->plan;
    int r = compare_places(a, b);
    if (r == 0 && first->log_place.line != second->log_place.line)
        r = first->log_place.line < second->log_place.line ? -1 : 1;
    return r;
}

static void look_for_shared_logs(struct graph *graph)
{
    for (size_t i = 0; i < graph->count; i++)
        look_up_log(&graph->nodes[i]);
    qsort(graph->nodes, graph->count, sizeof(graph->nodes[0]), compare_logs);
    for (size_t i = 1; i < graph->count; i++) {
        const struct service_plan *plan = graph->nodes[i].plan, *other = graph->nodes[i - 1].plan;
        bool is_rotated = plan->log_options.most_bytes > 0 || other->log_options.most_bytes > 0;
        if (is_rotated && plan->log_path && compare_places(&graph->nodes[i], &graph->nodes[i - 1]) == 0)
            fault_add(graph->faults, plan->log_place, "log.path: '%s' and '%s' would write to one file", other->name,
                      plan->name);
    }
}

void check_services(const struct service_plans *plans, struct faults *faults)
{
    struct graph graph = {.nodes = calloc(plans->count + 1, sizeof(*graph.nodes)),
                          .stack = calloc(plans->count + 1, sizeof(struct node *)),
                          .count = plans->count,
                          .faults = faults};
    if (graph.nodes && graph.stack) {
        for (size_t i = 0; i < plans->count; i++)
            graph.nodes[i].plan = plans->items[i];
        qsort(graph.nodes, graph.count, sizeof(graph.nodes[0]), compare_names);
        for (size_t i = 0; i < plans->count; i++)
            follow(&graph, find(&graph, plans->items[i]->name));
        look_for_shared_logs(&graph);
    } else {
        fault_add(faults, (struct toml_place){1, 1}, "out of memory");
    }
    free(graph.nodes);
    free(graph.stack);
}
