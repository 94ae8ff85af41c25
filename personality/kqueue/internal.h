/* What the files of the kqueue engine share.  One lock guards all of it; it is never held while
 * waiting.
 *
 * How knotes become active.  Each queue has a list of active knotes, as BSD kernels have, and a
 * scan takes them from its head, asks the filter whether the event still holds, and reports it.
 * Descriptors activate their knotes through epoll.  A descriptor that only has plain
 * level-triggered knotes is registered level-triggered, and epoll itself repeats the event; with
 * EV_CLEAR, EV_DISPATCH or a low-water mark it is registered edge-triggered and knotes that repeat
 * stay on the active list until they stop to hold.  Where READ and WRITE of one descriptor need
 * edges of their own, the second goes to a side epoll set that all queues share: one registration
 * would report both whenever either fires.
 *
 * Everything that is not a descriptor of the guest comes through five hidden descriptors (enum
 * source), watched by each queue that needs them.  Whoever wakes for one empties it on behalf of
 * all queues. */
#ifndef GUISE_KQUEUE_INTERNAL_H
#define GUISE_KQUEUE_INTERNAL_H

#include <asm/stat.h>
#include <linux/eventpoll.h>

#include "kqueue.h"

enum source {
    SOURCE_WAKE,   /* an eventfd that always reads: switched on in a queue with active knotes */
    SOURCE_TIMER,  /* a timerfd set to the earliest deadline of all queues */
    SOURCE_VNODE,  /* an inotify descriptor */
    SOURCE_SIGNAL, /* an eventfd that kqueue_note_signal writes */
    SOURCE_SIDE,   /* the side epoll set */
    SOURCE_COUNT,
};
_Static_assert(SOURCE_COUNT == KQUEUE_RESERVED_COUNT, "one reserved descriptor per source");
/* The epoll data of a source; for descriptors it is generation << 32 | fd, and fd < 1 << 31. */
#define SOURCE_DATA(source) (0xffffffff00000000UL | 0x80000000UL | (source))
#define DATA_IS_SOURCE(data) (((data) & 0x80000000UL) != 0)

enum node_kind {
    NODE_STREAM, /* a socket */
    NODE_PIPE,   /* pipe or fifo */
    NODE_DEVICE, /* terminal or other character device */
    NODE_VNODE,  /* regular file or directory: always ready for the host */
    NODE_QUEUE,  /* another kqueue */
    NODE_OTHER,  /* eventfd, pidfd, ... */
};

#define SET_MAIN 0
#define SET_SIDE 1
#define SET_NONE 2

/* One descriptor in one queue. */
struct node {
    struct node *next_same_fd; /* nodes of other queues */
    struct node *next, *previous;
    struct kqueue *queue;
    struct knote *notes;
    s32 fd;
    u32 generation;
    u32 registered[2]; /* epoll events in the main and the side set, 0: not in it */
    u8 kind;
    u8 hidden;     /* the descriptor is the engine's own (a pidfd) */
    u8 force_edge; /* level-triggered events would repeat without a knote to report */
    u8 access;     /* O_ACCMODE bits */
    u8 protocol;   /* of a socket: enum protocol, once it was asked for */
};

#define STATUS_ACTIVE 1
#define STATUS_QUEUED 2
#define STATUS_DISABLED 4
#define STATUS_ATTACHED 8
#define STATUS_POLLED 16 /* looked at every now and then: the host does not tell */

struct knote {
    struct knote *next;                         /* in its node or hash chain */
    struct knote *queue_next, *queue_previous;  /* active list */
    struct knote *class_next, *class_previous;  /* all knotes of one class, of all queues */
    struct kqueue *queue;
    struct node *node;
    struct knote_event event; /* as it will be reported */
    s64 saved_data;           /* as the guest asked */
    u32 saved_fflags;
    u8 status;
    u8 set;       /* SET_* */
    u32 ready;    /* poll bits that activated it ... */
    u64 ready_at; /* ... in this scan; older ones have to be asked for again */
    struct { u64 next; bool held; } polled; /* with STATUS_POLLED */
    union {
        struct { u64 next, period; } timer; /* ns of CLOCK_MONOTONIC; period 0: once */
        struct { u64 seen; } signal;
        struct { s32 watch, parent_watch; u64 size; u32 links; } vnode;
        struct { bool triggered; } user;
        struct { struct node *listener; s32 status; } process;
        struct { u64 token; request_query *done; } request;
        struct { u64 acknowledged; bool reported; } write; /* what a TCP peer had acknowledged by then */
    };
};

#define HASH_SIZE 64

struct kqueue {
    struct kqueue *next;
    struct node *nodes;
    u32 node_count;
    struct knote *hash[HASH_SIZE]; /* knotes that belong to no descriptor of the guest */
    struct knote *first, *last;    /* active list */
    u32 active;
    u32 references; /* threads inside kevent, plus one while a descriptor is open */
    s32 fd;         /* one of its descriptors */
    u32 fd_count;   /* known descriptors: duplicates are found when they are used */
    u8 closed;
    u8 wake_on;
    u8 watching[SOURCE_COUNT];
};

/* What a filter does.  All run with the lock held. */
struct filter {
    bool is_fd;
    /* 0 or -errno; the knote is in its node or hash chain already. */
    int (*attach)(struct thread *t, struct knote *kn);
    void (*detach)(struct thread *t, struct knote *kn);
    /* Does the event hold now?  Fills in data, fflags and EV_EOF. */
    bool (*holds)(struct thread *t, struct knote *kn);
    /* A change to an existing knote; NULL: fflags and data are taken over. */
    void (*touch)(struct thread *t, struct knote *kn, struct knote_event *change);
    /* Fill in what is reported; NULL: the event as it is, cleared afterwards with EV_CLEAR. */
    void (*report)(struct knote *kn, struct knote_event *to);
};
extern const struct filter filter_fd, filter_empty, filter_vnode, filter_process, filter_procdesc,
    filter_signal, filter_timer, filter_user, filter_request;

/* queue.c */
extern struct lock kqueue_lock;
extern struct kqueue *all_queues;
extern struct kqueue *scanning; /* the queue whose own thread is collecting events right now */
struct kqueue *queue_find(struct thread *t, int fd);
void queue_release(struct thread *t, struct kqueue *kq);
bool in_shared_child(const struct thread *t);

/* slots.c: what is known about a descriptor number */
struct slot {
    struct node *nodes;
    struct kqueue *queue;
};
struct slot *slot_of(int fd);           /* NULL: nothing was ever recorded */
struct slot *slot_make(int fd);         /* NULL: no memory */
void slot_mark(int fd);                 /* after a change of *slot */
bool slot_maybe_used(int fd);           /* no lock needed */
int slot_limit(void);
void slots_reset(void);

/* alias.c: duplicates of a kqueue's descriptor */
bool same_file(int a, int b);
int find_duplicate(int fd);

/* knote.c */
struct knote *knote_find(struct kqueue *kq, const struct knote_event *change, struct node *node);
/* A knote with the change's event, in its chain, attached to nothing yet; NULL: no memory. */
struct knote *knote_make(struct kqueue *kq, const struct knote_event *change, struct node *node);
long knote_change(struct thread *t, struct kqueue *kq, struct knote_event *change);
void knote_activate(struct thread *t, struct knote *kn);
void knote_unqueue(struct knote *kn);
void knote_drop(struct thread *t, struct knote *kn);
const struct filter *knote_filter_of(const struct knote *kn);
void wake_if_active(struct thread *t, struct kqueue *kq);

/* node.c: registration with epoll */
struct node *node_find(struct kqueue *kq, int fd);
struct node *node_of_event(u64 data);
struct node *node_make(struct thread *t, struct kqueue *kq, int fd, bool hidden, int *error);
void node_drop(struct thread *t, struct node *node);
void node_move(struct thread *t, struct node *node); /* the guest takes a hidden descriptor's number */
int node_join(struct thread *t, struct knote *kn); /* choose a set for kn and register */
void node_leave(struct thread *t, struct knote *kn);
int node_update(struct thread *t, struct node *node, u32 set);
bool node_is_edge(const struct node *node, u32 set);
void node_ready(struct thread *t, struct node *node, u32 set, u32 events);
void node_quiet(struct thread *t, struct node *node);
u32 fd_poll(int fd, u32 events); /* poll bits that hold now */

/* source.c */
int source_fd(struct thread *t, enum source source); /* created when first asked for, or -errno */
int source_watch(struct thread *t, struct kqueue *kq, enum source source);
void source_ready(struct thread *t, struct kqueue *kq, enum source source);
void sources_reset(struct thread *t, bool close);
int hide_descriptor(struct thread *t, int fd); /* moves fd out of the guest's way */

/* filter files */
bool fd_is_news(const struct knote *kn, u32 events); /* an edge: does it tell this knote anything? */
void timers_expire(struct thread *t);
void timers_program(struct thread *t);
void timers_add(struct knote *kn);
void timers_remove(struct knote *kn);
void timers_forget(void);
/* Looks at a knote from time to time, where the host does not tell. */
int poll_now_and_then(struct thread *t, struct knote *kn);
void poll_no_more(struct knote *kn);
extern bool timers_changed;
u64 monotonic_now(void);
void vnode_drain(struct thread *t);
bool vnode_offset_holds(struct thread *t, struct knote *kn);
int vnode_watch_data(struct thread *t, struct knote *kn); /* for READ on a file */
void vnode_unwatch(struct thread *t, struct knote *kn);
void signals_drain(struct thread *t);
void signals_reset(void);
void signals_tell_core(struct thread *t); /* without the lock */
void process_ready(struct thread *t, struct node *node, struct knote *kn);

/* Doubly linked lists of one class of knotes. */
struct class_list {
    struct knote *first;
};
void class_add(struct class_list *list, struct knote *kn);
void class_remove(struct class_list *list, struct knote *kn);

/* scan.c */
extern u64 scan_number;
long queue_scan(struct thread *t, struct kqueue *kq, int events, struct kqueue_io *io,
                const struct timespec_host *timeout);

#endif
