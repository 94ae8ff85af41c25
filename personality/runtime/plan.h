/* A load plan as the loader writes it and the runtime carries it out: pure data, little endian.
 * loader/plan.py holds the same layout; a test compares the two.  Addresses are before the load
 * bias, which is 0 for a fixed image. */
#ifndef GUISE_PLAN_H
#define GUISE_PLAN_H

#include <stdint.h>

#define PLAN_MAGIC 0x4e4c504553495547UL /* the bytes "GUISEPLN" */
#define PLAN_VERSION 1

struct plan_header {
    uint64_t magic;
    uint32_t version;
    uint32_t total_size;         /* of the whole plan in bytes */
    uint64_t entry;
    uint64_t low, high;          /* page-aligned range that the segments span */
    uint64_t phdr;               /* address of the program headers in memory, 0 if not mapped */
    uint32_t phent, phnum;
    uint32_t flags;              /* PLAN_* */
    uint32_t segment_count;
    uint32_t segments_offset;    /* of the first struct plan_segment */
    uint32_t personality_offset; /* NUL-terminated name: "freebsd" */
    uint32_t interpreter_offset; /* NUL-terminated path, 0 if there is none */
    uint32_t release;            /* guest kernel release in its own notation (FreeBSD: 1400097), 0: not said */
    uint64_t stack_size;         /* asked for by PT_GNU_STACK, 0: default */
    uint64_t alignment;          /* largest p_align */
};

#define PLAN_RELOCATABLE 1 /* PIE or shared object: the runtime chooses a bias */
#define PLAN_EXECUTABLE_STACK 2

struct plan_segment {
    uint64_t address;     /* page aligned */
    uint64_t size;        /* page multiple */
    uint64_t file_offset; /* page aligned; meaningless for anonymous */
    uint64_t zero_from;   /* zero [zero_from, zero_to) after mapping; equal: nothing */
    uint64_t zero_to;
    uint32_t protection;  /* 1 read, 2 write, 4 execute: the host's PROT_* */
    uint32_t anonymous;   /* 1: no file behind it */
};

_Static_assert(sizeof(struct plan_header) == 96, "plan header");
_Static_assert(sizeof(struct plan_segment) == 48, "plan segment");

#endif
