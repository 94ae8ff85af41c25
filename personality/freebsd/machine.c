/* sysarch: the processor's own registers that only a kernel may set.
 *
 * %gs is how the runtime finds its thread, so its base is not the guest's to set: EINVAL, which is what a
 * kernel without the request says.  FreeBSD's own libraries use %fs alone. */
#include "freebsd.h"
#include <asm/prctl.h>

/* The part of the vector state behind the 512 bytes that every processor has: at home the C library asks
 * for it to fill in a ucontext. */
static long get_extended_state(struct thread *t, u64 parameters)
{
    struct freebsd_xfpu_get wanted;
    const u64 legacy = 512;
    u64 most = t->process->xstate_size - legacy;

    if (copy_in(&wanted, parameters, sizeof(wanted)) != 0)
        return -EFAULT;
    if (wanted.len > most)
        return -EINVAL;
    save_xstate((void *)t->xstate);
    return copy_out(wanted.addr, (const u8 *)t->xstate + legacy, wanted.len);
}

long freebsd_sys_sysarch(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u64 base;
    long r;

    switch ((u32)a[0]) {
    case FREEBSD_AMD64_GET_FSBASE:
    case FREEBSD_AMD64_GET_TLSBASE:
        r = host(__NR_arch_prctl, ARCH_GET_FS, &base);
        return r != 0 ? r : put_u64(a[1], base);
    case FREEBSD_AMD64_SET_FSBASE:
    case FREEBSD_AMD64_SET_TLSBASE:
        if (get_u64(a[1], &base) != 0)
            return -EFAULT;
        r = host(__NR_arch_prctl, ARCH_SET_FS, base);
        if (r != 0)
            return -EINVAL;
        t->guest_fs_base = base;
        return 0;
    case FREEBSD_AMD64_GET_GSBASE:
        return put_u64(a[1], t->guest_gs_base);
    case FREEBSD_AMD64_GET_XFPUSTATE:
        return get_extended_state(t, a[1]);
    default:
        return -EINVAL;
    }
}
