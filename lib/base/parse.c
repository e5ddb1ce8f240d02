/* SPDX-License-Identifier: MIT */
/*
 * Text to number. All of it is integer arithmetic: no locale's decimal point, no rounding of
 * binary fractions, every overflow seen. What the numbers mean is for the callers.
 */
#include "parse.h"

#include <errno.h>
#include <string.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Linux keeps errno within this. */
#define ERRNO_MAX 4095

static const char digits[] = "0123456789";

/* Digits of a fraction that are looked at: 10^18 still fits into 64 bits. */
#define FRACTION_DIGITS 18

/* What a number may be followed by. */
struct unit {
	const char *name;
	uint64_t factor;
};

static char fold_case(char letter)
{
	return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

/* As strcasecmp(3) == 0, whose answer depends on the locale. */
static bool is_same_word(const char *a, const char *b)
{
	while (*a && fold_case(*a) == fold_case(*b)) {
		a++;
		b++;
	}
	return *a == *b;
}

/* 0 if there is no such unit. */
static uint64_t find_unit(const struct unit *units, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, units[i].name) == 0)
			return units[i].factor;
	return 0;
}

int ft_parse_u64_bytes(struct ft_bytes text, uint64_t *ret_number)
{
	bool is_overflow = false;
	uint64_t number = 0;

	if (text.length == 0)
		return -EINVAL;
	for (size_t i = 0; i < text.length; i++) {
		char byte = text.data[i];

		if (byte < '0' || byte > '9')
			return -EINVAL;
		is_overflow |= __builtin_mul_overflow(number, UINT64_C(10), &number);
		is_overflow |= __builtin_add_overflow(number, (uint64_t)(byte - '0'), &number);
	}
	if (is_overflow)
		return -ERANGE;
	*ret_number = number;
	return 0;
}

int ft_parse_u64(const char *text, uint64_t *ret_number)
{
	return ft_parse_u64_bytes(ft_bytes_of(text), ret_number);
}

/* ---- durations --------------------------------------------------------------------------------
 */

static const struct unit duration_units[] = {
	{"", 1000000000},
	{"ns", 1},
	{"us", 1000},
	{"ms", 1000000},
	{"s", 1000000000},
	{"m", 60 * UINT64_C(1000000000)},
	{"h", 3600 * UINT64_C(1000000000)},
};

/* The part behind the point, in units of factor, rounded up: less than or equal to factor. */
static uint64_t scale_fraction(struct ft_bytes fraction, uint64_t factor)
{
	unsigned __int128 numerator = 0;
	uint64_t denominator = 1;

	for (size_t i = 0; i < fraction.length; i++) {
		uint64_t digit = (uint64_t)(fraction.data[i] - '0');

		if (i < FRACTION_DIGITS) {
			numerator = numerator * 10 + digit;
			denominator *= 10;
		} else if (digit) {
			numerator++;
			break;
		}
	}
	return (uint64_t)((numerator * factor + denominator - 1) / denominator);
}

/* The decimal number in front. Returns what follows it, NULL if it is none. */
static const char *split_number(const char *text, struct ft_bytes *ret_whole,
				struct ft_bytes *ret_fraction)
{
	struct ft_bytes whole = {text, strspn(text, digits)};
	struct ft_bytes fraction = {text, 0};
	const char *rest = text + whole.length;

	if (*rest == '.') {
		fraction = (struct ft_bytes){rest + 1, strspn(rest + 1, digits)};
		rest = fraction.data + fraction.length;
		if (fraction.length == 0)
			return NULL;
	}
	if (whole.length == 0 && fraction.length == 0)
		return NULL;
	*ret_whole = whole;
	*ret_fraction = fraction;
	return rest;
}

int ft_parse_duration_ns(const char *text, uint64_t *ret_duration_ns)
{
	struct ft_bytes whole, fraction;
	uint64_t duration_ns = 0;
	uint64_t factor;
	const char *rest;
	int r;

	if (!text)
		return -EINVAL;
	if (strcmp(text, "inf") == 0 || strcmp(text, "forever") == 0) {
		*ret_duration_ns = UINT64_MAX;
		return 0;
	}
	rest = split_number(text, &whole, &fraction);
	factor = rest ? find_unit(duration_units, ARRAY_SIZE(duration_units), rest) : 0;
	if (factor == 0)
		return -EINVAL;

	/* ".5" has no whole part. */
	r = whole.length ? ft_parse_u64_bytes(whole, &duration_ns) : 0;
	if (r < 0)
		return r;
	if (__builtin_mul_overflow(duration_ns, factor, &duration_ns) ||
	    __builtin_add_overflow(duration_ns, scale_fraction(fraction, factor), &duration_ns) ||
	    duration_ns == UINT64_MAX)
		return -ERANGE;
	*ret_duration_ns = duration_ns;
	return 0;
}

/* ---- sizes ------------------------------------------------------------------------------------
 */

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)

static const struct unit size_units[] = {
	{"", 1},      {"B", 1},   {"K", KIB}, {"k", KIB},   {"KiB", KIB}, {"M", MIB}, {"m", MIB},
	{"MiB", MIB}, {"G", GIB}, {"g", GIB}, {"GiB", GIB}, {"T", TIB},   {"t", TIB}, {"TiB", TIB},
};

int ft_parse_size(const char *text, uint64_t *ret_size_bytes)
{
	struct ft_bytes number;
	uint64_t size_bytes;
	uint64_t factor;
	int r;

	if (!text)
		return -EINVAL;
	number = (struct ft_bytes){text, strspn(text, digits)};
	factor = find_unit(size_units, ARRAY_SIZE(size_units), text + number.length);
	if (factor == 0)
		return -EINVAL;
	r = ft_parse_u64_bytes(number, &size_bytes);
	if (r < 0)
		return r;
	if (__builtin_mul_overflow(size_bytes, factor, &size_bytes))
		return -ERANGE;
	*ret_size_bytes = size_bytes;
	return 0;
}

/* ---- errno ------------------------------------------------------------------------------------
 */

struct errno_name {
	const char *name;
	int error;
};

/* Second names of numbers that have another one already; ENOATTR is what other systems say. */
static const struct errno_name errno_aliases[] = {
	{"EWOULDBLOCK", EWOULDBLOCK}, {"EDEADLOCK", EDEADLOCK}, {"ENOTSUP", ENOTSUP},
	{"EOPNOTSUPP", EOPNOTSUPP},   {"ENOATTR", ENODATA},
};

#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 32)
/* The C library knows all names, also those that differ between architectures. */
static const char *system_errno_name(int error)
{
	return strerrorname_np(error);
}
#else
/*
 * musl and older glibc cannot name an errno: then these are known, which are what filesystems
 * return. Others stay numbers.
 */
#define NAMED(error)                                                                               \
	{                                                                                          \
#error, error                                                                      \
	}
static const struct errno_name errno_names[] = {
	NAMED(E2BIG),        NAMED(EACCES),       NAMED(EAGAIN),    NAMED(EBADF),
	NAMED(EBADMSG),      NAMED(EBUSY),        NAMED(ECANCELED), NAMED(ECONNABORTED),
	NAMED(ECONNREFUSED), NAMED(ECONNRESET),   NAMED(EDEADLK),   NAMED(EDOM),
	NAMED(EDQUOT),       NAMED(EEXIST),       NAMED(EFAULT),    NAMED(EFBIG),
	NAMED(EHOSTDOWN),    NAMED(EHOSTUNREACH), NAMED(EILSEQ),    NAMED(EINTR),
	NAMED(EINVAL),       NAMED(EIO),          NAMED(EISDIR),    NAMED(ELOOP),
	NAMED(EMEDIUMTYPE),  NAMED(EMFILE),       NAMED(EMLINK),    NAMED(EMSGSIZE),
	NAMED(ENAMETOOLONG), NAMED(ENETUNREACH),  NAMED(ENFILE),    NAMED(ENODATA),
	NAMED(ENODEV),       NAMED(ENOENT),       NAMED(ENOKEY),    NAMED(ENOLCK),
	NAMED(ENOLINK),      NAMED(ENOMEM),       NAMED(ENOSPC),    NAMED(ENOSYS),
	NAMED(ENOTCONN),     NAMED(ENOTDIR),      NAMED(ENOTEMPTY), NAMED(ENOTTY),
	NAMED(ENXIO),        NAMED(EOPNOTSUPP),   NAMED(EOVERFLOW), NAMED(EPERM),
	NAMED(EPIPE),        NAMED(EPROTO),       NAMED(ERANGE),    NAMED(EREMOTEIO),
	NAMED(EROFS),        NAMED(ESHUTDOWN),    NAMED(ESPIPE),    NAMED(ESRCH),
	NAMED(ESTALE),       NAMED(ETIMEDOUT),    NAMED(ETXTBSY),   NAMED(EUCLEAN),
	NAMED(EXDEV),
};

static const char *system_errno_name(int error)
{
	for (size_t i = 0; i < ARRAY_SIZE(errno_names); i++)
		if (errno_names[i].error == error)
			return errno_names[i].name;
	return NULL;
}
#endif

const char *ft_errno_name(int error)
{
	return error > 0 && error <= ERRNO_MAX ? system_errno_name(error) : NULL;
}

int ft_parse_errno(const char *text, int *ret_errno)
{
	uint64_t number;
	int r;

	if (!text)
		return -EINVAL;
	r = ft_parse_u64(text, &number);
	if (r == -ERANGE || (r == 0 && (number == 0 || number > ERRNO_MAX)))
		return -ERANGE;
	if (r == 0) {
		*ret_errno = (int)number;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(errno_aliases); i++)
		if (is_same_word(text, errno_aliases[i].name)) {
			*ret_errno = errno_aliases[i].error;
			return 0;
		}
	for (int error = 1; error <= ERRNO_MAX; error++) {
		const char *name = ft_errno_name(error);

		if (name && is_same_word(text, name)) {
			*ret_errno = error;
			return 0;
		}
	}
	return -EINVAL;
}
