/* Building the stack with which a program starts. */
#ifndef GUISE_BSD_START_STACK_H
#define GUISE_BSD_START_STACK_H

#include "bsd.h"

struct stack_builder {
    u64 down; /* what is pushed goes below this */
    u64 up;   /* the next word of the vectors goes here */
    bool failed;
};

/* Puts something above the vectors; where it is. */
u64 stack_push(struct stack_builder *b, const void *data, u64 size, u64 alignment);
u64 stack_count(char *const *vector);
/* argc, argv and the environment, upwards from b->up; `strings`, which the guest has at `at`, tells where. */
void stack_vectors(struct stack_builder *b, const struct start_info *s, struct bsd_ps_strings *strings, u64 at);
void stack_auxiliary(struct stack_builder *b, u64 key, u64 value);
/* The auxiliary values that describe the image. */
void stack_image(struct stack_builder *b, const struct start_info *s);

#endif
