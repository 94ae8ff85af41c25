/* A small printf, and the two ways the runtime speaks to a person: only when something is wrong. */
#include "core.h"

struct output {
    char *to;
    size_t room, length;
};

static void put(struct output *o, char c)
{
    if (o->length + 1 < o->room)
        o->to[o->length] = c;
    o->length++;
}

static void put_number(struct output *o, u64 value, u32 base, bool negative)
{
    char digits[24];
    u32 n = 0;
    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    if (negative)
        put(o, '-');
    while (n > 0)
        put(o, digits[--n]);
}

static int format_list(char *to, size_t room, const char *fmt, va_list list)
{
    struct output o = {to, room, 0};
    for (; *fmt != 0; fmt++) {
        if (*fmt != '%') {
            put(&o, *fmt);
            continue;
        }
        fmt++;
        bool is_long = *fmt == 'l';
        if (is_long)
            fmt++;
        if (*fmt == 's') {
            const char *s = va_arg(list, const char *);
            for (s = s ? s : "(null)"; *s != 0; s++)
                put(&o, *s);
        } else if (*fmt == 'c') {
            put(&o, (char)va_arg(list, int));
        } else if (*fmt == 'd') {
            s64 v = is_long ? va_arg(list, s64) : va_arg(list, s32);
            put_number(&o, v < 0 ? -(u64)v : (u64)v, 10, v < 0);
        } else if (*fmt == 'u') {
            put_number(&o, is_long ? va_arg(list, u64) : va_arg(list, u32), 10, false);
        } else if (*fmt == 'x') {
            put_number(&o, is_long ? va_arg(list, u64) : va_arg(list, u32), 16, false);
        } else if (*fmt == 'p') {
            put_number(&o, va_arg(list, u64), 16, false);
        } else {
            put(&o, *fmt);
        }
    }
    if (room > 0)
        to[o.length < room ? o.length : room - 1] = 0;
    return (int)o.length;
}

int format(char *to, size_t room, const char *fmt, ...)
{
    va_list list;
    va_start(list, fmt);
    int n = format_list(to, room, fmt, list);
    va_end(list);
    return n;
}

static void say(const char *fmt, va_list list)
{
    char line[512];
    int n = format_list(line, sizeof(line) - 1, fmt, list);
    if (n > (int)sizeof(line) - 2)
        n = sizeof(line) - 2;
    line[n++] = '\n';
    host(__NR_write, 2, line, n);
}

void runtime_log(const char *fmt, ...)
{
    va_list list;
    va_start(list, fmt);
    say(fmt, list);
    va_end(list);
}

void runtime_panic(const char *fmt, ...)
{
    va_list list;
    va_start(list, fmt);
    say(fmt, list);
    va_end(list);
    for (;;)
        host(__NR_exit_group, 125);
}
