/* The runtime's first instructions as a Linux program, up to the guest's first instruction.
 *
 * It was exec'd with the guest's own arguments; what it must know beyond them is one environment
 * string, GUISE=key=value,..., that the guest never sees. */
#include "debug.h"
#include "trace.h"
#include <linux/auxvec.h>
#include <linux/elf.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>

struct process main_process;
u32 reserved_own;
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));
extern const char first_text[] __attribute__((visibility("hidden")));
extern const char etext[] __attribute__((visibility("hidden")));

struct boot_result {
    u64 stack, original;
};
struct boot_result runtime_boot(u64 original, const Elf64_Dyn *dynamic);

static struct thread *first_thread;

/* Addresses in the runtime's tables, sorted by place as the linker leaves them. */
static const Elf64_Rela *relocations;
static u64 relocation_count;

/* The first relocation at or above a place. */
static u64 relocation_from(u64 place)
{
    u64 low = 0, high = relocation_count, base = (u64)&__ehdr_start;
    while (low < high) {
        u64 middle = (low + high) / 2;
        if (base + relocations[middle].r_offset < place)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void relocate_some(u64 from, u64 to)
{
    u64 base = (u64)&__ehdr_start;
    for (u64 i = from; i < to; i++)
        if (ELF64_R_TYPE(relocations[i].r_info) == 8 /* R_X86_64_RELATIVE */)
            *(u64 *)(base + relocations[i].r_offset) = base + (u64)relocations[i].r_addend;
}

/* Everything but the tables that this process may never look at: each page of them would be copied. */
static void relocate(const Elf64_Dyn *dynamic)
{
    struct late_part late[LATE_PARTS];
    u64 base = (u64)&__ehdr_start, done = 0;
    u32 count = late_parts(late);
    for (; dynamic->d_tag != DT_NULL; dynamic++) {
        if (dynamic->d_tag == DT_RELA)
            relocations = (const Elf64_Rela *)(base + dynamic->d_un.d_ptr);
        else if (dynamic->d_tag == DT_RELASZ)
            relocation_count = dynamic->d_un.d_val / sizeof(Elf64_Rela);
    }
    while (done < relocation_count) {
        u64 next = relocation_count, behind = relocation_count;
        for (u32 i = 0; i < count; i++) {
            u64 first = relocation_from(late[i].start);
            if (late[i].stop > late[i].start && first >= done && first < next) {
                next = first;
                behind = relocation_from(late[i].stop);
            }
        }
        relocate_some(done, next);
        done = behind;
    }
}

static void relocate_late(const char *name)
{
    struct late_part late[LATE_PARTS];
    u32 count = late_parts(late);
    for (u32 i = 0; i < count; i++)
        if (strcmp(late[i].name, name) == 0)
            relocate_some(relocation_from(late[i].start), relocation_from(late[i].stop));
}

/* Code lies between the functions that come first and the end that the linker knows; data to be read share its
 * segment. */
static void find_text(void)
{
    text_start = (u64)first_text;
    text_end = (u64)etext;
}

static void cpuid(u32 leaf, u32 part, u32 r[4])
{
    __asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(part));
}

#define XSAVE_LEAF 0xd
#define XSAVE_BASE 576          /* legacy part and header */
#define AMX_STATE (3UL << 17)   /* off until a program asks the host for it, and not in its signal frames */

/* The size has to be what the host computes, to the byte: it takes a frame that claims more for one
 * without extended state. */
static void measure_xstate(struct process *p, u64 known)
{
    u32 low, high, r[4];
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    p->xstate_mask = ((u64)high << 32 | low) & ~AMX_STATE;
    p->xstate_size = known != 0 ? known : XSAVE_BASE;
    if (known != 0)
        return; /* in a virtual machine each question goes to the host */
    for (u32 part = 2; part < 63; part++) {
        if (!(p->xstate_mask >> part & 1))
            continue;
        cpuid(XSAVE_LEAF, part, r);
        if (r[0] + r[1] > p->xstate_size)
            p->xstate_size = r[0] + r[1];
    }
}

/* On the host's own stack: relocate, and find the area whose stack everything else uses. */
struct boot_result runtime_boot(u64 original, const Elf64_Dyn *dynamic)
{
    relocate(dynamic);
    find_text();
    first_thread = thread_first(&main_process);
    return (struct boot_result){first_thread->runtime_stack, original};
}

u64 auxv_value(const u64 *auxv, u64 key, u64 otherwise)
{
    for (; auxv[0] != AT_NULL; auxv += 2)
        if (auxv[0] == key)
            return auxv[1];
    return otherwise;
}

static bool key_is(const char *at, const char *key, const char **value)
{
    while (*key != 0 && *at == *key) {
        at++;
        key++;
    }
    if (*key != 0 || *at != '=')
        return false;
    *value = at + 1;
    return true;
}

static u64 number_at(const char *at, u32 base)
{
    u64 value = 0;
    bool negative = *at == '-';
    for (at += negative; *at != 0 && *at != ','; at++)
        value = value * base + (u64)(*at <= '9' ? *at - '0' : *at - 'a' + 10);
    return negative ? -value : value;
}

static void word_at(const char *at, char *to, size_t room)
{
    for (; room > 1 && *at != 0 && *at != ','; room--)
        *to++ = *at++;
    *to = 0;
}

/* What another runtime wrote. */
static bool parse_again(struct boot *b, const char *at)
{
    u64 numbers[BOOT_NUMBERS];
    for (u32 i = 0; i < BOOT_NUMBERS; i++) {
        u64 value = 0;
        for (; *at != 0 && *at != ','; at++)
            value = value << 4 | (u64)(*at <= '9' ? *at - '0' : *at - 'a' + 10);
        if (*at++ == 0)
            return false;
        numbers[i] = value;
    }
    word_at(at, b->assumed, sizeof(b->assumed));
    while (*at != 0 && *at != ',')
        at++;
    at += *at == ',';
    word_at(at, b->release_of, sizeof(b->release_of));
    while (*at != 0 && *at != ',')
        at++;
    b->again = 1;
    b->runtime_fd = (int)numbers[BOOT_RUNTIME];
    b->plans_fd = (int)numbers[BOOT_PLANS];
    b->plan_fd = (int)numbers[BOOT_PLAN];
    b->image_fd = (int)numbers[BOOT_IMAGE];
    b->interpreter_plan_fd = (int)numbers[BOOT_INTERPRETER_PLAN];
    b->interpreter_fd = (int)numbers[BOOT_INTERPRETER];
    b->engine = (u32)numbers[BOOT_ENGINE];
    b->release = (u32)numbers[BOOT_RELEASE];
    b->no_patch = (u32)numbers[BOOT_NO_PATCH];
    b->supervisor = (s32)numbers[BOOT_SUPERVISOR];
    b->debug = (u32)numbers[BOOT_DEBUG];
    b->mask = numbers[BOOT_MASK];
    b->has_mask = 1;
    b->ignored = numbers[BOOT_IGNORED];
    b->vacant = (u32)numbers[BOOT_VACANT];
    b->trace_fd = (int)numbers[BOOT_TRACE];
    b->trace_slot = (int)numbers[BOOT_TRACE_SLOT];
    b->xstate_size = numbers[BOOT_XSTATE];
    b->processors = (u32)numbers[BOOT_PROCESSORS];
    b->debugger = (s32)numbers[BOOT_DEBUGGER];
    b->debug_events = (u32)numbers[BOOT_DEBUG_EVENTS];
    b->debug_stops = (u32)numbers[BOOT_DEBUG_STOPS];
    memcpy(b->name, &numbers[BOOT_NAME], sizeof(b->name));
    return key_is(at, ",exe", &b->executable);
}

/* What the launcher wrote. */
bool parse_boot(struct boot *b, char **envp)
{
    const char *at = NULL, *value;
    b->control_fd = b->runtime_fd = b->plans_fd = b->plan_fd = b->image_fd = b->interpreter_plan_fd = b->interpreter_fd = -1;
    b->trace_fd = b->trace_slot = -1;
    if (envp[0] == NULL || !key_is(envp[0], "GUISE", &at))
        return false;
    while (*at != 0) {
        if (key_is(at, "control", &value))
            b->control_fd = (int)number_at(value, 10);
        else if (key_is(at, "again", &value))
            return parse_again(b, value);
        else if (key_is(at, "runtime", &value))
            b->runtime_fd = (int)number_at(value, 10);
        else if (key_is(at, "plans", &value))
            b->plans_fd = (int)number_at(value, 10);
        else if (key_is(at, "plan", &value))
            b->plan_fd = (int)number_at(value, 10);
        else if (key_is(at, "image", &value))
            b->image_fd = (int)number_at(value, 10);
        else if (key_is(at, "interp_plan", &value))
            b->interpreter_plan_fd = (int)number_at(value, 10);
        else if (key_is(at, "interp", &value))
            b->interpreter_fd = (int)number_at(value, 10);
        else if (key_is(at, "engine", &value))
            b->engine = *value == 'p' ? ENGINE_PTRACE : ENGINE_NATIVE;
        else if (key_is(at, "release", &value))
            b->release = (u32)number_at(value, 10);
        else if (key_is(at, "release_of", &value))
            word_at(value, b->release_of, sizeof(b->release_of));
        else if (key_is(at, "nopatch", &value))
            b->no_patch = (u32)number_at(value, 10);
        else if (key_is(at, "processors", &value))
            b->processors = (u32)number_at(value, 10);
        else if (key_is(at, "debug", &value))
            b->debug = (u32)number_at(value, 10);
        else if (key_is(at, "supervisor", &value))
            b->supervisor = (s32)number_at(value, 10);
        else if (key_is(at, "trace", &value))
            b->trace_fd = (int)number_at(value, 10);
        else if (key_is(at, "trace_slot", &value))
            b->trace_slot = (int)number_at(value, 10);
        else if (key_is(at, "name", &value))
            word_at(value, b->name, sizeof(b->name));
        else if (key_is(at, "assume", &value))
            word_at(value, b->assumed, sizeof(b->assumed));
        else if (key_is(at, "pdeathsig", &value))
            b->die_with_parent = (u32)number_at(value, 10);
        else if (key_is(at, "exe", &value)) {
            b->executable = value;
            return true;
        }
        while (*at != 0 && *at != ',')
            at++;
        if (*at == ',')
            at++;
    }
    return true;
}

static void remember_executable(struct process *p, const struct boot *b)
{
    char link[40];
    format(link, sizeof(link), "/proc/self/fd/%d", b->image_fd);
    bool known = b->again && b->executable != NULL && b->executable[0] == '/'; /* exec.c settled it */
    long n = known ? 0 : host(__NR_readlink, link, p->executable, sizeof(p->executable) - 1);
    if (n <= 0 || p->executable[0] != '/') {
        const char *given = b->executable ? b->executable : "";
        n = (long)strlen(given);
        if (n > (long)sizeof(p->executable) - 1)
            n = sizeof(p->executable) - 1;
        memcpy(p->executable, given, (size_t)n);
    }
    p->executable[n] = 0;
}

/* The host would give a free number in the reserved range to the guest, and a module that puts a
 * descriptor of its own there later would close what the guest has. */
static void occupy_reserved(const struct process *p, const struct boot *b)
{
    u32 vacant = b->vacant;
    if (!b->again) {
        const int taken[] = {b->control_fd, b->runtime_fd, b->plans_fd, b->trace_fd};
        vacant = (1U << p->reserved_count) - 1;
        for (u32 i = 0; i < ARRAY_LENGTH(taken); i++)
            if (fd_is_in_reserved(p, taken[i]))
                vacant &= ~(1U << (taken[i] - p->reserved_base));
    }
    for (int i = 0; i < p->reserved_count; i++)
        if (vacant >> i & 1)
            host(__NR_dup2, p->runtime_fd, p->reserved_base + i);
}

static void announce(struct thread *t)
{
    u64 args[MAX_ARGUMENTS] = {(u64)&__ehdr_start, text_end, (u64)trap_exit, text_start};
    struct upcall_result result;
    if (upcall(t, UPCALL_HELLO, args, 0, NULL, 0, -1, NULL, 0, &result) != 0)
        runtime_panic("guise: the tracer cannot be reached");
}

static void map_images(const struct boot *b, struct mapped *image, struct mapped *interpreter)
{
    long r = map_plan(b->plan_fd, b->image_fd, false, image);
    if (r != 0)
        runtime_panic("guise: %s: cannot be mapped at its addresses (error %ld)", b->executable, -r);
    host(__NR_close, b->plan_fd);
    *interpreter = *image;
    interpreter->base = 0;
    if (b->interpreter_plan_fd < 0)
        return;
    r = map_plan(b->interpreter_plan_fd, b->interpreter_fd, true, interpreter);
    if (r != 0)
        runtime_panic("guise: %s: its interpreter cannot be mapped (error %ld)", b->executable, -r);
    host(__NR_close, b->interpreter_plan_fd);
    host(__NR_close, b->interpreter_fd);
}

static void fill_process(struct process *p, const struct boot *b, const struct mapped *image,
                         const struct mapped *interpreter)
{
    p->personality = find_personality(image->personality);
    if (p->personality == NULL)
        runtime_panic("guise: %s: this runtime has no personality for %s", b->executable, image->personality);
    relocate_late(p->personality->name);
    memcpy(p->assumed, b->assumed, sizeof(p->assumed));
    p->run_release = b->release;
    memcpy(p->release_of, b->release_of, sizeof(p->release_of));
    p->asked_release = strcmp(b->release_of, p->personality->name) == 0 ? b->release : 0;
    p->release = p->asked_release != 0 ? p->asked_release : image->release;
    p->image_low = image->low;
    p->image_high = image->high;
    p->interpreter_base = interpreter->base;
    p->entry = interpreter->entry;
    p->break_base = p->break_end = p->break_mapped = image->high;
    p->stack_top = b->original_stack;
}

static void keep_program(struct process *p, int image)
{
    p->program_fd = -1;
    if (!p->personality->keeps_program ||
        is_error(host(__NR_dup3, image, p->reserved_base + PROGRAM_PLACE, O_CLOEXEC)))
        return;
    p->program_fd = p->reserved_base + PROGRAM_PLACE;
    reserved_own |= 1U << PROGRAM_PLACE;
}

void fast_allow_again(const struct process *p)
{
    if (p->engine == ENGINE_NATIVE && trace_area == NULL && !debug_calls && !debug_active)
        fast_allow(p->personality, p->personality->fast_calls);
}

void runtime_main(u64 *original) __attribute__((noreturn));
void runtime_main(u64 *original)
{
    struct process *p = &main_process;
    struct thread *t = first_thread;
    struct boot b = {.argc = (int)original[0], .argv = (char **)(original + 1), .original_stack = (u64)original};
    b.envp = b.argv + b.argc + 1;
    char **end = b.envp;
    while (*end != NULL)
        end++;
    b.auxv = (u64 *)(end + 1);
    if (!parse_boot(&b, b.envp) || b.plan_fd < 0 || b.image_fd < 0)
        runtime_panic("guise-runtime is started by guise: run \"guise run PROGRAM\" instead");
    b.envp++;
    measure_xstate(p, b.xstate_size);
    if (!thread_complete(t))
        runtime_panic("guise: no memory for the runtime");
    debug_calls = b.debug;
    name_tracer(b.supervisor);
    p->pid = (s32)host(__NR_getpid);
    p->control_fd = b.control_fd;
    p->runtime_fd = b.runtime_fd;
    p->plans_fd = b.plans_fd;
    p->reserved_base = b.control_fd;
    p->reserved_count = RESERVED_DESCRIPTORS;
    if (b.die_with_parent)
        host(__NR_prctl, PR_SET_PDEATHSIG, HOST_SIGKILL, 0, 0, 0);
    occupy_reserved(p, &b);
    remember_executable(p, &b);

    debug_boot(p, b.debugger, b.debug_events, b.debug_stops);
    p->engine = b.engine;
    p->no_patch = b.no_patch;
    p->processors = b.processors;
    sites_load(p, b.image_fd);
    struct mapped image, interpreter;
    map_images(&b, &image, &interpreter);
    fill_process(p, &b, &image, &interpreter);
    keep_program(p, b.image_fd);
    host(__NR_close, b.image_fd);
    vdso_init(auxv_value(b.auxv, AT_SYSINFO_EHDR, 0));

    bool as_given = p->personality->named_as_given && b.name[0] != 0;
    host(__NR_prctl, PR_SET_NAME, as_given ? b.name : last_name(p->executable), 0, 0, 0);
    t->personality = p->personality;
    if (thread_arm(t) != 0)
        runtime_panic("guise: this kernel has no syscall user dispatch (Linux 5.11 or newer is needed)");
    thread_link(t);
    if (b.trace_fd >= 0) {
        relocate_late("trace");
        trace_boot(t, b.trace_fd, b.trace_slot);
    }
    if (p->engine == ENGINE_NATIVE && trace_area != NULL && !debug_calls)
        trace_fast_calls(t);
    else
        fast_allow_again(p);
    if (b.has_mask)
        t->mask = b.mask;
    else
        host(__NR_rt_sigprocmask, 0, 0, &t->mask, 8);
    t->signals_held = 1;
    signals_init(p, &b);
    if (p->personality->init_thread(t, NULL) != 0)
        runtime_panic("guise: no memory for the %s personality", p->personality->name);

    struct start_info s = {
        .argc = b.argc, .argv = b.argv, .envp = b.envp,
        .stack = (u64)original & ~15UL,
        .entry = image.entry, .image_base = image.base, .phdr = image.phdr, .phent = image.phent,
        .phnum = image.phnum, .interpreter_base = interpreter.base,
        .random = (const u8 *)auxv_value(b.auxv, AT_RANDOM, 0),
        .host_auxv = (u64)b.auxv, .executable = p->executable,
        .secure = (u32)auxv_value(b.auxv, AT_SECURE, 0),
    };
    t->frame = (struct frame *)(t->runtime_stack - sizeof(struct frame));
    struct frame f = {.rip = p->entry, .rflags = 0x202};
    if (p->personality->start(t, &f, &s) != 0)
        runtime_panic("guise: %s: the arguments do not fit on the stack", p->executable);
    if (p->engine == ENGINE_PTRACE)
        announce(t);
    debug_started(t, &f);
    leave_to_start(t, &f);
}
