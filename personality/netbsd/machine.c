/* The processor's own registers that only a kernel may set.
 *
 * %gs is how the runtime finds its thread, so its base is not the guest's to set: EINVAL, which is what a kernel
 * without the request says.  NetBSD's own libraries use %fs alone.  Ports and memory ranges are the host's. */
#include "netbsd.h"
#include <asm/prctl.h>

long netbsd_sys_sysarch(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u64 base;

    switch ((u32)a[0]) {
    case NETBSD_X86_GET_FSBASE:
        host(__NR_arch_prctl, ARCH_GET_FS, &base);
        return put_u64(a[1], base);
    case NETBSD_X86_SET_FSBASE:
        return get_u64(a[1], &base) != 0 ? -EFAULT : thread_pointer_set(t, base);
    case NETBSD_X86_GET_GSBASE:
        return put_u64(a[1], t->guest_gs_base);
    case NETBSD_X86_IOPL:
    case NETBSD_X86_GET_IOPERM:
    case NETBSD_X86_SET_IOPERM:
    case NETBSD_X86_GET_MTRR:
    case NETBSD_X86_SET_MTRR:
        return -EPERM;
    default:
        return -EINVAL;
    }
}

long netbsd_sys__lwp_setprivate(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return thread_pointer_set(t, a[0]);
}

long netbsd_sys__lwp_getprivate(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS] UNUSED)
{
    return bsd_signed_result(f, (long)t->guest_fs_base);
}
