/* USER: an event that the guest triggers itself; how Go's scheduler and many others break a wait. */
#include "internal.h"

static int user_attach(struct thread *t UNUSED, struct knote *kn)
{
    kn->user.triggered = (kn->saved_fflags & NOTE_TRIGGER) != 0;
    kn->saved_fflags &= NOTE_FFLAGSMASK;
    return 0;
}

static void user_detach(struct thread *t UNUSED, struct knote *kn UNUSED)
{
}

static bool user_holds(struct thread *t UNUSED, struct knote *kn)
{
    return kn->user.triggered;
}

static void user_touch(struct thread *t UNUSED, struct knote *kn, struct knote_event *change)
{
    u32 flags = change->fflags & NOTE_FFLAGSMASK;
    if (change->fflags & NOTE_TRIGGER)
        kn->user.triggered = true;
    switch (change->fflags & NOTE_FFCTRLMASK) {
    case NOTE_FFAND:
        kn->saved_fflags &= flags;
        break;
    case NOTE_FFOR:
        kn->saved_fflags |= flags;
        break;
    case NOTE_FFCOPY:
        kn->saved_fflags = flags;
        break;
    }
    kn->saved_data = change->data;
    if (change->flags & EV_CLEAR)
        kn->user.triggered = false;
}

static void user_report(struct knote *kn, struct knote_event *to)
{
    to->fflags = kn->saved_fflags;
    to->data = kn->saved_data;
    if (kn->event.flags & EV_CLEAR)
        kn->user.triggered = false;
}

const struct filter filter_user = {
    .attach = user_attach,
    .detach = user_detach,
    .holds = user_holds,
    .touch = user_touch,
    .report = user_report,
};
