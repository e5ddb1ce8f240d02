/* SPDX-License-Identifier: MIT */
/* Timestamps, times since the start and durations, as loggers of all languages print them. */
#include "time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "testing.h"

#define SECOND UINT64_C(1000000000)
#define NINE_O_CLOCK (UINT64_C(9) * 3600 * SECOND)

/* ---- dates and times of day ---- */

static const struct {
	const char *text;
	uint64_t ns;
	uint32_t clock;
	uint32_t tick_ns;
	const char *rest;
} times[] = {
	{"2026-11-22T09:15:38.549873Z", UINT64_C(1795338938549873000), FT_CLOCK_UTC, 1000, ""},
	{"2026-11-22T09:15:38.549873Z INFO", UINT64_C(1795338938549873000), FT_CLOCK_UTC, 1000,
	 " INFO"},
	{"2026/11/22 09:15:38,736 x", UINT64_C(1795338938736000000), FT_CLOCK_LOCAL, 1000000, " x"},
	{"2026.11.22 09:15:38.003330 [", UINT64_C(1795338938003330000), FT_CLOCK_LOCAL, 1000, " ["},
	{"22/11/2026 09:15:38.5", UINT64_C(1795338938500000000), FT_CLOCK_LOCAL, 100000000, ""},
	{"2026-11-22 09:15:38", UINT64_C(1795338938000000000), FT_CLOCK_LOCAL, 1000000000, ""},
	{"2026-11-22T11:15:38+02:00", UINT64_C(1795338938000000000), FT_CLOCK_UTC, 1000000000, ""},
	{"2026-11-22T11:15:38.5+0200]", UINT64_C(1795338938500000000), FT_CLOCK_UTC, 100000000,
	 "]"},
	{"2026-11-21T19:45:38-13:30", UINT64_C(1795338938000000000), FT_CLOCK_UTC, 1000000000, ""},
	{"1970-01-01 00:00:00", 0, FT_CLOCK_LOCAL, 1000000000, ""},
	{"1970-01-01T00:00:00Z", 0, FT_CLOCK_UTC, 1000000000, ""},
	{"2000-02-29 00:00:00", UINT64_C(951782400000000000), FT_CLOCK_LOCAL, 1000000000, ""},
	{"2100-03-01 00:00:00", UINT64_C(4107542400000000000), FT_CLOCK_LOCAL, 1000000000, ""},
	{"09:00:00.000001", NINE_O_CLOCK + 1000, FT_CLOCK_DAY, 1000, ""},
	{"09:00:00", NINE_O_CLOCK, FT_CLOCK_DAY, 1000000000, ""},
	{"23:59:60", 86400 * SECOND, FT_CLOCK_DAY, 1000000000, ""}, /* a leap second */
	{"09:00:00.123456789123", NINE_O_CLOCK + 123456789, FT_CLOCK_DAY, 1, ""},
	/* what belongs to the text behind it */
	{"09:00:00.", NINE_O_CLOCK, FT_CLOCK_DAY, 1000000000, "."},
	{"09:00:00, x", NINE_O_CLOCK, FT_CLOCK_DAY, 1000000000, ", x"},
	{"09:00:00Z", NINE_O_CLOCK, FT_CLOCK_DAY, 1000000000, "Z"},
	{"2026-11-22 09:15:38-1", UINT64_C(1795338938000000000), FT_CLOCK_LOCAL, 1000000000, "-1"},
};

static const char *const no_times[] = {
	"",
	"9:00:00",
	"24:00:00",
	"09:60:00",
	"09:00:61",
	"09:00",
	"09-00-00",
	"2026-11-22",
	"2026-11-22 ",
	"2026-11-22 9:00:00",
	"2026-11-22x09:00:00",
	"2026-11/22 09:00:00",
	"2026-00-22 09:00:00",
	"2026-13-22 09:00:00",
	"2026-11-00 09:00:00",
	"2026-11-32 09:00:00",
	"1969-12-31 09:00:00",
	"26-11-22 09:00:00",
	"x026-11-22 09:00:00",
	/* 64 bits of nanoseconds end in 2554, and begin in Greenwich */
	"2600-01-01 00:00:00",
	"9999-12-31 23:59:59",
	"1970-01-01T00:00:00+00:01",
};

static void test_times(void **state)
{
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct ft_scan scan = ft_scan_of(ft_bytes_of(times[i].text));
		struct ft_time time = {0};

		if (!ft_scan_time(&scan, &time))
			fail_msg("no time: %s", times[i].text);
		if (time.ns != times[i].ns || time.clock != times[i].clock ||
		    time.tick_ns != times[i].tick_ns || strcmp(scan.at, times[i].rest) != 0)
			fail_msg("%s: %llu of clock %u, tick %u, then '%s'", times[i].text,
				 (unsigned long long)time.ns, time.clock, time.tick_ns, scan.at);
	}
}

/* What is refused leaves everything as it was. */
static void test_no_times(void **state)
{
	for (size_t i = 0; i < sizeof(no_times) / sizeof(no_times[0]); i++) {
		struct ft_scan scan = ft_scan_of(ft_bytes_of(no_times[i]));
		struct ft_time time = {.ns = 77};

		if (ft_scan_time(&scan, &time))
			fail_msg("a time: %s", no_times[i]);
		assert_ptr_equal(scan.at, no_times[i]);
		assert_int_equal(time.ns, 77);
	}
}

/* A piece of a time is none, wherever it is cut off. */
static void test_cut_times(void **state)
{
	static const char whole[] = "2026-11-22T09:15:38";

	for (size_t length = 0; length < sizeof(whole) - 1; length++) {
		char *exact = malloc(length ? length : 1); /* a byte too many is seen */
		struct ft_scan scan = ft_scan_of((struct ft_bytes){exact, length});
		struct ft_time time;

		assert_non_null(exact);
		memcpy(exact, whole, length);
		assert_false(ft_scan_time(&scan, &time));
		free(exact);
	}
}

/* Every day until 2500, against the C library. */
static void test_days(void **state)
{
	for (time_t day = 0; day < 193500; day++) {
		time_t seconds = day * 86400;
		struct tm tm;
		char text[40];
		struct ft_scan scan;
		struct ft_time time;

		assert_non_null(gmtime_r(&seconds, &tm));
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
		scan = ft_scan_of(ft_bytes_of(text));
		assert_true(ft_scan_time(&scan, &time));
		if (time.ns != (uint64_t)seconds * SECOND)
			fail_msg("%s: %llu", text, (unsigned long long)time.ns);
	}
}

/* ---- since the start, durations ---- */

static void test_uptimes(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
		uint32_t tick_ns;
		const char *rest;
	} uptimes[] = {
		{"   0.000279503s INFO", 279503, 1, " INFO"},
		{"12.5s", 12 * SECOND + 500000000, 100000000, ""},
		{"4294967295.0s", 4294967295 * SECOND, 100000000, ""},
	};
	static const char *const none[] = {"",    "5s",   "0.5",   "0.5 s",         "x0.5s",
					   ".5s", "0,5s", "-1.5s", "4294967296.0s", "0.5ms"};
	struct ft_time time;

	for (size_t i = 0; i < sizeof(uptimes) / sizeof(uptimes[0]); i++) {
		struct ft_scan scan = ft_scan_of(ft_bytes_of(uptimes[i].text));

		assert_true(ft_scan_uptime(&scan, &time));
		assert_int_equal(time.ns, uptimes[i].ns);
		assert_int_equal(time.tick_ns, uptimes[i].tick_ns);
		assert_int_equal(time.clock, FT_CLOCK_START);
		assert_string_equal(scan.at, uptimes[i].rest);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct ft_scan scan = ft_scan_of(ft_bytes_of(none[i]));

		assert_false(ft_scan_uptime(&scan, &time));
		assert_ptr_equal(scan.at, none[i]);
	}
}

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
		const char *rest;
	} durations[] = {
		{"17ns", 17, ""},
		{"28.6us", 28600, ""},
		{"28.6\302\265s x", 28600, " x"}, /* U+00B5, as Rust has it */
		{"145\316\274s", 145000, ""},     /* U+03BC */
		{"2.17ms", 2170000, ""},
		{"5.00s,", 5 * SECOND, ","},
		{"1234s", 1234 * SECOND, ""},
		{"0.9999999999s", 999999999, ""}, /* the tenth digit is none of ours */
		{"0s", 0, ""},
	};
	static const char *const none[] = {"",
					   "17",
					   "17 ns",
					   "ms",
					   ".5s",
					   "1.5h",
					   "1,5s",
					   "-1s",
					   "99999999999999999999ns",
					   "9999999999999999s"};
	uint64_t ns = 0;

	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		struct ft_scan scan = ft_scan_of(ft_bytes_of(durations[i].text));

		if (!ft_scan_duration(&scan, &ns) || ns != durations[i].ns)
			fail_msg("%s: %llu", durations[i].text, (unsigned long long)ns);
		assert_string_equal(scan.at, durations[i].rest);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct ft_scan scan = ft_scan_of(ft_bytes_of(none[i]));

		if (ft_scan_duration(&scan, &ns))
			fail_msg("a duration: %s", none[i]);
		assert_ptr_equal(scan.at, none[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),     cmocka_unit_test(test_no_times),
		cmocka_unit_test(test_cut_times), cmocka_unit_test(test_days),
		cmocka_unit_test(test_uptimes),   cmocka_unit_test(test_durations),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
