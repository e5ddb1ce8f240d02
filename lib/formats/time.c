/* SPDX-License-Identifier: MIT */
/* See time.h. Every line of most logs has a timestamp: digits are read without a loop over them. */
#include "time.h"

#define SECOND_NS UINT64_C(1000000000)
#define DAY_S 86400
#define YEAR_MAX 2553 /* the last whole one in 64 bits of nanoseconds */

/* Two digits. */
static bool two(struct ft_scan *scan, uint32_t *ret_number)
{
	unsigned char high, low;

	if (ft_scan_left(scan) < 2)
		return false;
	high = (unsigned char)(scan->at[0] - '0');
	low = (unsigned char)(scan->at[1] - '0');
	if (high > 9 || low > 9)
		return false;
	*ret_number = high * 10u + low;
	scan->at += 2;
	return true;
}

static bool four(struct ft_scan *scan, uint32_t *ret_number)
{
	uint32_t high, low;

	if (!two(scan, &high) || !two(scan, &low))
		return false;
	*ret_number = high * 100 + low;
	return true;
}

static bool is_date_sign(char c)
{
	return c == '-' || c == '/' || c == '.';
}

/* Days since 1970 of a date of the Gregorian calendar (public algorithm: days from civil). */
static uint64_t days_of(uint32_t year, uint32_t month, uint32_t day)
{
	uint32_t shifted = month <= 2 ? year - 1 : year; /* years begin in March */
	uint32_t era = shifted / 400;
	uint32_t of_era = shifted - era * 400;
	uint32_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return (uint64_t)era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* 2026-11-22 or 22/11/2026, each with - / or . in it. */
static bool take_date(struct ft_scan *scan, uint64_t *ret_days)
{
	const char *at = scan->at;
	uint32_t year, month, day;
	char sign;

	if (ft_scan_left(scan) < 10)
		return false;
	if (is_date_sign(at[4])) {
		sign = at[4];
		if (!four(scan, &year) || !ft_scan_char(scan, sign) || !two(scan, &month) ||
		    !ft_scan_char(scan, sign) || !two(scan, &day))
			return false;
	} else {
		sign = at[2];
		if (!is_date_sign(sign) || !two(scan, &day) || !ft_scan_char(scan, sign) ||
		    !two(scan, &month) || !ft_scan_char(scan, sign) || !four(scan, &year))
			return false;
	}
	if (year < 1970 || year > YEAR_MAX || month < 1 || month > 12 || day < 1 || day > 31)
		return false;
	*ret_days = days_of(year, month, day);
	return true;
}

/* Digits behind the point, up to nine of them counted. */
static uint32_t take_fraction(struct ft_scan *scan, uint32_t *ret_tick_ns)
{
	uint32_t fraction = 0;
	uint32_t tick = (uint32_t)SECOND_NS;

	while (!ft_scan_is_end(scan) && (unsigned char)(*scan->at - '0') <= 9) {
		if (tick > 1) {
			tick /= 10;
			fraction += (uint32_t)(*scan->at - '0') * tick;
		}
		scan->at++;
	}
	*ret_tick_ns = tick;
	return fraction;
}

static bool take_time_of_day(struct ft_scan *scan, struct ft_time *time)
{
	uint32_t hour, minute, second;

	if (!two(scan, &hour) || !ft_scan_char(scan, ':') || !two(scan, &minute) ||
	    !ft_scan_char(scan, ':') || !two(scan, &second) || hour > 23 || minute > 59 ||
	    second > 60)
		return false;
	time->ns = (hour * 3600u + minute * 60u + second) * SECOND_NS;
	time->tick_ns = (uint32_t)SECOND_NS;
	if (ft_scan_left(scan) >= 2 && (scan->at[0] == '.' || scan->at[0] == ',') &&
	    (unsigned char)(scan->at[1] - '0') <= 9) {
		scan->at++;
		time->ns += take_fraction(scan, &time->tick_ns);
	}
	return true;
}

/* Z, +02:00 or +0200; seconds east of Greenwich. */
static bool take_zone(struct ft_scan *scan, int64_t *ret_offset_s)
{
	struct ft_scan zone = *scan;
	uint32_t hours, minutes;
	bool is_west;

	*ret_offset_s = 0;
	if (ft_scan_char(scan, 'Z'))
		return true;
	is_west = ft_scan_char(&zone, '-');
	if (!is_west && !ft_scan_char(&zone, '+'))
		return false;
	if (!two(&zone, &hours))
		return false;
	ft_scan_char(&zone, ':');
	if (!two(&zone, &minutes))
		return false;
	*ret_offset_s = (int64_t)(hours * 3600 + minutes * 60) * (is_west ? -1 : 1);
	*scan = zone;
	return true;
}

bool ft_scan_time(struct ft_scan *scan, struct ft_time *ret_time)
{
	struct ft_scan at = *scan;
	struct ft_time time = {.clock = FT_CLOCK_DAY};
	int64_t offset_s;
	uint64_t days = 0;

	if (take_date(&at, &days)) {
		if (!ft_scan_char(&at, 'T') && !ft_scan_char(&at, ' '))
			return false;
		time.clock = FT_CLOCK_LOCAL;
	} else {
		at = *scan;
	}
	if (!take_time_of_day(&at, &time))
		return false;
	if (time.clock == FT_CLOCK_LOCAL) {
		time.ns += days * DAY_S * SECOND_NS;
		if (take_zone(&at, &offset_s)) {
			if (offset_s > 0 && time.ns < (uint64_t)offset_s * SECOND_NS)
				return false; /* before 1970 */
			time.clock = FT_CLOCK_UTC;
			time.ns -= (uint64_t)(offset_s * (int64_t)SECOND_NS);
		}
	}
	*scan = at;
	*ret_time = time;
	return true;
}

bool ft_scan_uptime(struct ft_scan *scan, struct ft_time *ret_time)
{
	struct ft_scan at = *scan;
	struct ft_time time = {.clock = FT_CLOCK_START};
	uint64_t seconds;

	ft_scan_chars(&at, ' ');
	if (!ft_scan_u64(&at, &seconds) || seconds > UINT32_MAX || !ft_scan_char(&at, '.'))
		return false;
	time.ns = seconds * SECOND_NS + take_fraction(&at, &time.tick_ns);
	if (!ft_scan_char(&at, 's'))
		return false;
	*scan = at;
	*ret_time = time;
	return true;
}

bool ft_scan_duration(struct ft_scan *scan, uint64_t *ret_duration_ns)
{
	static const struct {
		const char *name;
		size_t length;
		uint64_t ns;
	} units[] = {
		{"ns", 2, 1},    {"\302\265s", 3, 1000}, {"\316\274s", 3, 1000},
		{"us", 2, 1000}, {"ms", 2, 1000000},     {"s", 1, SECOND_NS},
	};
	struct ft_scan at = *scan;
	uint32_t fraction = 0, tick;
	uint64_t whole;

	if (!ft_scan_u64(&at, &whole))
		return false;
	if (ft_scan_char(&at, '.'))
		fraction = take_fraction(&at, &tick); /* billionths of the unit */
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!ft_scan_bytes(&at, units[i].name, units[i].length))
			continue;
		if (whole > UINT64_MAX / 2 / units[i].ns)
			return false;
		*ret_duration_ns = whole * units[i].ns + fraction * units[i].ns / SECOND_NS;
		*scan = at;
		return true;
	}
	return false;
}
