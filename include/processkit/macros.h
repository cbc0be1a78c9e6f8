/*
 * What every other header needs: linkage, visibility, and freeing at the end of a scope.
 */
#ifndef PROCESSKIT_MACROS_H
#define PROCESSKIT_MACROS_H

#ifdef __cplusplus
#define PK_BEGIN_DECLS extern "C" {
#define PK_END_DECLS   }
#else
#define PK_BEGIN_DECLS
#define PK_END_DECLS
#endif

#define PK_API                         __attribute__((visibility("default")))
#define PK_NODISCARD                   __attribute__((warn_unused_result))
#define PK_PRINTF(format_index, first) __attribute__((__format__(__printf__, format_index, first)))
#define PK_SENTINEL                    __attribute__((sentinel))

/*
 * Frees a handle when the variable leaves its scope, on every path out of it:
 *
 *     pk_auto(pk_group) group = NULL;
 *
 * For a pk_group and for a pk_process with a private group, freed means killed.
 */
#define pk_auto(type) __attribute__((cleanup(type##_cleanup))) type *

/* Defines what pk_auto(type) calls; each header does so for its own handle. */
#define PK_DEFINE_CLEANUP(type)                      \
    static inline void type##_cleanup(type **handle) \
    {                                                \
        type##_free(*handle);                        \
    }                                                \
    struct pk_macros_need_a_semicolon

#endif
