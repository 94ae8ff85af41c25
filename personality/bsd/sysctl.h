/* The tree of sysctl as this process has it: the build writes it down of the supervisor's own rows
 * (personality/bsd/generate.py), without the values that only the supervisor knows. */
#ifndef GUISE_BSD_SYSCTL_H
#define GUISE_BSD_SYSCTL_H

#include "bsd.h"

/* A node is followed by its children, if it has some. */
struct sysctl_node {
    u32 number;
    u16 name;  /* where it begins in sysctl_names */
    u16 next;  /* the node behind with the same parent; 0: none */
    u16 value; /* where it begins in sysctl_values, or which FACT_ */
    u16 size;  /* of the value, in bytes */
    u8 kind, flags;
};
enum sysctl_kind { SYSCTL_ELSEWHERE, SYSCTL_CONSTANT, SYSCTL_FACT };
#define SYSCTL_CHILDREN 1
#define SYSCTL_TAKES_REST 2 /* one function answers for all names below */

/* What a function of the supervisor's is marked with: bsd/sysctl_value.py. */
enum sysctl_fact { FACT_PROCESSORS, FACT_LAST_PROCESSOR, FACT_RELEASE_NUMBER, FACT_STACK_TOP, FACT_PS_STRINGS };

#define MOST_NUMBERS 24 /* of a name: CTL_MAXNAME, which is less on NetBSD */

extern const struct sysctl_node sysctl_nodes[]; /* generated */
extern const char sysctl_names[];
extern const u8 sysctl_values[];

/* These answer what can be answered here, with the call's result.  False: the supervisor has to be asked; it
 * knows the rules for all that is not plain.  a: the call's arguments. */
bool sysctl_put(const u64 a[MAX_ARGUMENTS], const void *value, u64 size, long *result);
bool sysctl_answer(const struct process *p, const struct sysctl_node *node, const u64 a[MAX_ARGUMENTS], long *result);

#endif
