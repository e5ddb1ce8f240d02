/* SPDX-License-Identifier: MIT */
/*
 * Text for terminals and for JSON out of any bytes. The C library's wcwidth() and iswprint() are of
 * no use here: a library must not depend on the caller's locale. Where a hostile name ends up is
 * for the callers; that it is harmless there is for this file.
 */
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* ---- writing with a limit ---------------------------------------------------------------------
 */

struct sink {
	char *out;
	size_t size;
	size_t written; /* less than size, to leave room for the NUL */
	size_t wanted;
};

/* All of it or nothing; and nothing behind what was left out. */
static void sink_put(struct sink *sink, const char *text, size_t length)
{
	if (sink->written == sink->wanted && length < sink->size - sink->written) {
		memcpy(sink->out + sink->written, text, length);
		sink->written += length;
	}
	sink->wanted += length;
}

static struct sink sink_of(char *out, size_t size)
{
	return (struct sink){.out = out, .size = size};
}

static size_t sink_end(struct sink *sink)
{
	if (sink->size)
		sink->out[sink->written] = '\0';
	return sink->wanted;
}

/* ---- UTF-8 ------------------------------------------------------------------------------------
 */

static bool is_continuation(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

size_t ft_utf8_decode(const char *text, size_t length, uint32_t *ret_code_point)
{
	/* The smallest code point that may take so many bytes: less would be an overlong form. */
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *bytes = (const unsigned char *)text;
	uint32_t code_point;
	size_t wanted;

	if (length == 0)
		return 0;
	if (bytes[0] < 0x80) {
		*ret_code_point = bytes[0];
		return 1;
	}
	if (bytes[0] < 0xc2 || bytes[0] > 0xf4)
		return 0;
	wanted = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : 2;
	if (length < wanted)
		return 0;
	code_point = bytes[0] & (0x7fu >> wanted);
	for (size_t i = 1; i < wanted; i++) {
		if (!is_continuation(bytes[i]))
			return 0;
		code_point = code_point << 6 | (bytes[i] & 0x3f);
	}
	if (code_point < smallest[wanted] || code_point > 0x10ffff ||
	    (code_point >= 0xd800 && code_point <= 0xdfff))
		return 0;
	*ret_code_point = code_point;
	return wanted;
}

bool ft_utf8_valid(const char *text, size_t length)
{
	static const uint64_t high_bits = UINT64_C(0x8080808080808080);
	uint32_t code_point;
	uint64_t word;

	for (size_t i = 0; i < length;) {
		size_t used;

		if (length - i >= sizeof(word)) {
			memcpy(&word, text + i, sizeof(word));
			if ((word & high_bits) == 0) {
				i += sizeof(word);
				continue;
			}
		}
		used = ft_utf8_decode(text + i, length - i, &code_point);
		if (used == 0)
			return false;
		i += used;
	}
	return true;
}

/* ---- kinds of characters ----------------------------------------------------------------------
 */

struct range {
	uint32_t first;
	uint32_t last;
};

/* clang-format off */
/* Nonspacing and enclosing marks (Mn, Me) of Unicode 14, joiners, trailing parts of Hangul. */
static const struct range zero_width[] = {
	{0x300, 0x36f}, {0x483, 0x489}, {0x591, 0x5bd}, {0x5bf, 0x5bf}, {0x5c1, 0x5c2},
	{0x5c4, 0x5c5}, {0x5c7, 0x5c7}, {0x610, 0x61a}, {0x64b, 0x65f}, {0x670, 0x670},
	{0x6d6, 0x6dc}, {0x6df, 0x6e4}, {0x6e7, 0x6e8}, {0x6ea, 0x6ed}, {0x711, 0x711},
	{0x730, 0x74a}, {0x7a6, 0x7b0}, {0x7eb, 0x7f3}, {0x7fd, 0x7fd}, {0x816, 0x819},
	{0x81b, 0x823}, {0x825, 0x827}, {0x829, 0x82d}, {0x859, 0x85b}, {0x898, 0x89f},
	{0x8ca, 0x8e1}, {0x8e3, 0x902}, {0x93a, 0x93a}, {0x93c, 0x93c}, {0x941, 0x948},
	{0x94d, 0x94d}, {0x951, 0x957}, {0x962, 0x963}, {0x981, 0x981}, {0x9bc, 0x9bc},
	{0x9c1, 0x9c4}, {0x9cd, 0x9cd}, {0x9e2, 0x9e3}, {0x9fe, 0xa02}, {0xa3c, 0xa3c},
	{0xa41, 0xa51}, {0xa70, 0xa71}, {0xa75, 0xa75}, {0xa81, 0xa82}, {0xabc, 0xabc},
	{0xac1, 0xac8}, {0xacd, 0xacd}, {0xae2, 0xae3}, {0xafa, 0xb01}, {0xb3c, 0xb3c},
	{0xb3f, 0xb3f}, {0xb41, 0xb44}, {0xb4d, 0xb56}, {0xb62, 0xb63}, {0xb82, 0xb82},
	{0xbc0, 0xbc0}, {0xbcd, 0xbcd}, {0xc00, 0xc00}, {0xc04, 0xc04}, {0xc3c, 0xc3c},
	{0xc3e, 0xc40}, {0xc46, 0xc56}, {0xc62, 0xc63}, {0xc81, 0xc81}, {0xcbc, 0xcbc},
	{0xcbf, 0xcbf}, {0xcc6, 0xcc6}, {0xccc, 0xccd}, {0xce2, 0xce3}, {0xd00, 0xd01},
	{0xd3b, 0xd3c}, {0xd41, 0xd44}, {0xd4d, 0xd4d}, {0xd62, 0xd63}, {0xd81, 0xd81},
	{0xdca, 0xdca}, {0xdd2, 0xdd6}, {0xe31, 0xe31}, {0xe34, 0xe3a}, {0xe47, 0xe4e},
	{0xeb1, 0xeb1}, {0xeb4, 0xebc}, {0xec8, 0xecd}, {0xf18, 0xf19}, {0xf35, 0xf35},
	{0xf37, 0xf37}, {0xf39, 0xf39}, {0xf71, 0xf7e}, {0xf80, 0xf84}, {0xf86, 0xf87},
	{0xf8d, 0xfbc}, {0xfc6, 0xfc6}, {0x102d, 0x1030}, {0x1032, 0x1037}, {0x1039, 0x103a},
	{0x103d, 0x103e}, {0x1058, 0x1059}, {0x105e, 0x1060}, {0x1071, 0x1074}, {0x1082, 0x1082},
	{0x1085, 0x1086}, {0x108d, 0x108d}, {0x109d, 0x109d}, {0x1160, 0x11ff}, {0x135d, 0x135f},
	{0x1712, 0x1714}, {0x1732, 0x1733}, {0x1752, 0x1753}, {0x1772, 0x1773}, {0x17b4, 0x17b5},
	{0x17b7, 0x17bd}, {0x17c6, 0x17c6}, {0x17c9, 0x17d3}, {0x17dd, 0x17dd}, {0x180b, 0x180d},
	{0x180f, 0x180f}, {0x1885, 0x1886}, {0x18a9, 0x18a9}, {0x1920, 0x1922}, {0x1927, 0x1928},
	{0x1932, 0x1932}, {0x1939, 0x193b}, {0x1a17, 0x1a18}, {0x1a1b, 0x1a1b}, {0x1a56, 0x1a56},
	{0x1a58, 0x1a60}, {0x1a62, 0x1a62}, {0x1a65, 0x1a6c}, {0x1a73, 0x1a7f}, {0x1ab0, 0x1b03},
	{0x1b34, 0x1b34}, {0x1b36, 0x1b3a}, {0x1b3c, 0x1b3c}, {0x1b42, 0x1b42}, {0x1b6b, 0x1b73},
	{0x1b80, 0x1b81}, {0x1ba2, 0x1ba5}, {0x1ba8, 0x1ba9}, {0x1bab, 0x1bad}, {0x1be6, 0x1be6},
	{0x1be8, 0x1be9}, {0x1bed, 0x1bed}, {0x1bef, 0x1bf1}, {0x1c2c, 0x1c33}, {0x1c36, 0x1c37},
	{0x1cd0, 0x1cd2}, {0x1cd4, 0x1ce0}, {0x1ce2, 0x1ce8}, {0x1ced, 0x1ced}, {0x1cf4, 0x1cf4},
	{0x1cf8, 0x1cf9}, {0x1dc0, 0x1dff}, {0x200c, 0x200d}, {0x20d0, 0x20f0}, {0x2cef, 0x2cf1},
	{0x2d7f, 0x2d7f}, {0x2de0, 0x2dff}, {0x302a, 0x302d}, {0x3099, 0x309a}, {0xa66f, 0xa672},
	{0xa674, 0xa67d}, {0xa69e, 0xa69f}, {0xa6f0, 0xa6f1}, {0xa802, 0xa802}, {0xa806, 0xa806},
	{0xa80b, 0xa80b}, {0xa825, 0xa826}, {0xa82c, 0xa82c}, {0xa8c4, 0xa8c5}, {0xa8e0, 0xa8f1},
	{0xa8ff, 0xa8ff}, {0xa926, 0xa92d}, {0xa947, 0xa951}, {0xa980, 0xa982}, {0xa9b3, 0xa9b3},
	{0xa9b6, 0xa9b9}, {0xa9bc, 0xa9bd}, {0xa9e5, 0xa9e5}, {0xaa29, 0xaa2e}, {0xaa31, 0xaa32},
	{0xaa35, 0xaa36}, {0xaa43, 0xaa43}, {0xaa4c, 0xaa4c}, {0xaa7c, 0xaa7c}, {0xaab0, 0xaab0},
	{0xaab2, 0xaab4}, {0xaab7, 0xaab8}, {0xaabe, 0xaabf}, {0xaac1, 0xaac1}, {0xaaec, 0xaaed},
	{0xaaf6, 0xaaf6}, {0xabe5, 0xabe5}, {0xabe8, 0xabe8}, {0xabed, 0xabed}, {0xfb1e, 0xfb1e},
	{0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0x101fd, 0x101fd}, {0x102e0, 0x102e0},
	{0x10376, 0x1037a}, {0x10a01, 0x10a0f}, {0x10a38, 0x10a3f}, {0x10ae5, 0x10ae6},
	{0x10d24, 0x10d27}, {0x10eab, 0x10eac}, {0x10f46, 0x10f50}, {0x10f82, 0x10f85},
	{0x11001, 0x11001}, {0x11038, 0x11046}, {0x11070, 0x11070}, {0x11073, 0x11074},
	{0x1107f, 0x11081}, {0x110b3, 0x110b6}, {0x110b9, 0x110ba}, {0x110c2, 0x110c2},
	{0x11100, 0x11102}, {0x11127, 0x1112b}, {0x1112d, 0x11134}, {0x11173, 0x11173},
	{0x11180, 0x11181}, {0x111b6, 0x111be}, {0x111c9, 0x111cc}, {0x111cf, 0x111cf},
	{0x1122f, 0x11231}, {0x11234, 0x11234}, {0x11236, 0x11237}, {0x1123e, 0x1123e},
	{0x112df, 0x112df}, {0x112e3, 0x112ea}, {0x11300, 0x11301}, {0x1133b, 0x1133c},
	{0x11340, 0x11340}, {0x11366, 0x11374}, {0x11438, 0x1143f}, {0x11442, 0x11444},
	{0x11446, 0x11446}, {0x1145e, 0x1145e}, {0x114b3, 0x114b8}, {0x114ba, 0x114ba},
	{0x114bf, 0x114c0}, {0x114c2, 0x114c3}, {0x115b2, 0x115b5}, {0x115bc, 0x115bd},
	{0x115bf, 0x115c0}, {0x115dc, 0x115dd}, {0x11633, 0x1163a}, {0x1163d, 0x1163d},
	{0x1163f, 0x11640}, {0x116ab, 0x116ab}, {0x116ad, 0x116ad}, {0x116b0, 0x116b5},
	{0x116b7, 0x116b7}, {0x1171d, 0x1171f}, {0x11722, 0x11725}, {0x11727, 0x1172b},
	{0x1182f, 0x11837}, {0x11839, 0x1183a}, {0x1193b, 0x1193c}, {0x1193e, 0x1193e},
	{0x11943, 0x11943}, {0x119d4, 0x119db}, {0x119e0, 0x119e0}, {0x11a01, 0x11a0a},
	{0x11a33, 0x11a38}, {0x11a3b, 0x11a3e}, {0x11a47, 0x11a47}, {0x11a51, 0x11a56},
	{0x11a59, 0x11a5b}, {0x11a8a, 0x11a96}, {0x11a98, 0x11a99}, {0x11c30, 0x11c3d},
	{0x11c3f, 0x11c3f}, {0x11c92, 0x11ca7}, {0x11caa, 0x11cb0}, {0x11cb2, 0x11cb3},
	{0x11cb5, 0x11cb6}, {0x11d31, 0x11d45}, {0x11d47, 0x11d47}, {0x11d90, 0x11d91},
	{0x11d95, 0x11d95}, {0x11d97, 0x11d97}, {0x11ef3, 0x11ef4}, {0x16af0, 0x16af4},
	{0x16b30, 0x16b36}, {0x16f4f, 0x16f4f}, {0x16f8f, 0x16f92}, {0x16fe4, 0x16fe4},
	{0x1bc9d, 0x1bc9e}, {0x1cf00, 0x1cf46}, {0x1d167, 0x1d169}, {0x1d17b, 0x1d182},
	{0x1d185, 0x1d18b}, {0x1d1aa, 0x1d1ad}, {0x1d242, 0x1d244}, {0x1da00, 0x1da36},
	{0x1da3b, 0x1da6c}, {0x1da75, 0x1da75}, {0x1da84, 0x1da84}, {0x1da9b, 0x1daaf},
	{0x1e000, 0x1e02a}, {0x1e130, 0x1e136}, {0x1e2ae, 0x1e2ae}, {0x1e2ec, 0x1e2ef},
	{0x1e8d0, 0x1e8d6}, {0x1e944, 0x1e94a}, {0xe0100, 0xe01ef},
};

/* East Asian wide and full width (W, F) of Unicode 14; unassigned ones between them count along. */
static const struct range double_width[] = {
	{0x1100, 0x115f}, {0x231a, 0x231b}, {0x2329, 0x232a}, {0x23e9, 0x23ec}, {0x23f0, 0x23f0},
	{0x23f3, 0x23f3}, {0x25fd, 0x25fe}, {0x2614, 0x2615}, {0x2648, 0x2653}, {0x267f, 0x267f},
	{0x2693, 0x2693}, {0x26a1, 0x26a1}, {0x26aa, 0x26ab}, {0x26bd, 0x26be}, {0x26c4, 0x26c5},
	{0x26ce, 0x26ce}, {0x26d4, 0x26d4}, {0x26ea, 0x26ea}, {0x26f2, 0x26f3}, {0x26f5, 0x26f5},
	{0x26fa, 0x26fa}, {0x26fd, 0x26fd}, {0x2705, 0x2705}, {0x270a, 0x270b}, {0x2728, 0x2728},
	{0x274c, 0x274c}, {0x274e, 0x274e}, {0x2753, 0x2755}, {0x2757, 0x2757}, {0x2795, 0x2797},
	{0x27b0, 0x27b0}, {0x27bf, 0x27bf}, {0x2b1b, 0x2b1c}, {0x2b50, 0x2b50}, {0x2b55, 0x2b55},
	{0x2e80, 0x303e}, {0x3041, 0x3247}, {0x3250, 0x4dbf}, {0x4e00, 0xa4c6}, {0xa960, 0xa97c},
	{0xac00, 0xd7a3}, {0xf900, 0xfad9}, {0xfe10, 0xfe19}, {0xfe30, 0xfe6b}, {0xff01, 0xff60},
	{0xffe0, 0xffe6}, {0x16fe0, 0x18d08}, {0x1aff0, 0x1b2fb}, {0x1f004, 0x1f004},
	{0x1f0cf, 0x1f0cf}, {0x1f18e, 0x1f18e}, {0x1f191, 0x1f19a}, {0x1f200, 0x1f265},
	{0x1f300, 0x1f320}, {0x1f32d, 0x1f335}, {0x1f337, 0x1f37c}, {0x1f37e, 0x1f393},
	{0x1f3a0, 0x1f3ca}, {0x1f3cf, 0x1f3d3}, {0x1f3e0, 0x1f3f0}, {0x1f3f4, 0x1f3f4},
	{0x1f3f8, 0x1f43e}, {0x1f440, 0x1f440}, {0x1f442, 0x1f4fc}, {0x1f4ff, 0x1f53d},
	{0x1f54b, 0x1f54e}, {0x1f550, 0x1f567}, {0x1f57a, 0x1f57a}, {0x1f595, 0x1f596},
	{0x1f5a4, 0x1f5a4}, {0x1f5fb, 0x1f64f}, {0x1f680, 0x1f6c5}, {0x1f6cc, 0x1f6cc},
	{0x1f6d0, 0x1f6d2}, {0x1f6d5, 0x1f6df}, {0x1f6eb, 0x1f6ec}, {0x1f6f4, 0x1f6fc},
	{0x1f7e0, 0x1f7f0}, {0x1f90c, 0x1f93a}, {0x1f93c, 0x1f945}, {0x1f947, 0x1f9ff},
	{0x1fa70, 0x1faf6}, {0x20000, 0x2fffd}, {0x30000, 0x3fffd},
};

/*
 * Characters that reorder text, end lines or cannot be seen; the joiners U+200C and U+200D, without
 * which some scripts cannot be written, and variation selectors are not among them.
 */
static const struct range treacherous[] = {
	{0xad, 0xad}, {0x61c, 0x61c}, {0x180e, 0x180e}, {0x200b, 0x200b}, {0x200e, 0x200f},
	{0x2028, 0x202e}, {0x2060, 0x206f}, {0x3164, 0x3164}, {0xfdd0, 0xfdef}, {0xfeff, 0xfeff},
	{0xffa0, 0xffa0}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
};
/* clang-format on */

static bool is_in_ranges(uint32_t code_point, const struct range *ranges, size_t n)
{
	size_t low = 0;
	size_t high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (code_point > ranges[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && code_point >= ranges[low].first;
}

static bool is_control(uint32_t code_point)
{
	return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
}

static bool is_treacherous(uint32_t code_point)
{
	return is_in_ranges(code_point, treacherous, ARRAY_SIZE(treacherous)) ||
	       (code_point & 0xfffe) == 0xfffe;
}

size_t ft_utf8_width(struct ft_bytes in)
{
	size_t width = 0;

	for (size_t i = 0; i < in.length;) {
		uint32_t code_point = 0;
		size_t used = ft_utf8_decode(in.data + i, in.length - i, &code_point);

		if (is_in_ranges(code_point, double_width, ARRAY_SIZE(double_width)))
			width += 2;
		else if (!is_in_ranges(code_point, zero_width, ARRAY_SIZE(zero_width)))
			width++;
		i += used ? used : 1;
	}
	return width;
}

/* ---- escaping ---------------------------------------------------------------------------------
 */

static void put_byte_escape(struct sink *sink, unsigned char byte)
{
	static const char hex[] = "0123456789abcdef";
	const char escape[] = {'\\', 'x', hex[byte >> 4], hex[byte & 15]};

	sink_put(sink, escape, sizeof(escape));
}

static void put_code_point_escape(struct sink *sink, uint32_t code_point)
{
	char escape[16];

	snprintf(escape, sizeof(escape), "\\u{%x}", code_point);
	sink_put(sink, escape, strlen(escape));
}

static void put_ascii_escape(struct sink *sink, unsigned char byte)
{
	if (byte == '\n')
		sink_put(sink, "\\n", 2);
	else if (byte == '\t')
		sink_put(sink, "\\t", 2);
	else if (byte == '\r')
		sink_put(sink, "\\r", 2);
	else if (byte == '\\')
		sink_put(sink, "\\\\", 2);
	else
		put_byte_escape(sink, byte);
}

/* What is not printable ASCII; returns how many bytes it took. */
static size_t put_special(struct sink *sink, const char *text, size_t length)
{
	uint32_t code_point;
	size_t used = ft_utf8_decode(text, length, &code_point);

	if (used == 0) {
		put_byte_escape(sink, (unsigned char)text[0]);
		return 1;
	}
	if (used == 1) {
		put_ascii_escape(sink, (unsigned char)text[0]);
	} else if (is_control(code_point)) {
		put_byte_escape(sink, (unsigned char)text[0]);
		put_byte_escape(sink, (unsigned char)text[1]);
	} else if (is_treacherous(code_point)) {
		put_code_point_escape(sink, code_point);
	} else {
		sink_put(sink, text, used);
	}
	return used;
}

static bool is_plain(char byte)
{
	return byte >= 0x20 && byte < 0x7f && byte != '\\';
}

size_t ft_text_escape(struct ft_bytes in, char *out, size_t size)
{
	struct sink sink = sink_of(out, size);

	for (size_t i = 0; i < in.length;) {
		if (is_plain(in.data[i]))
			sink_put(&sink, in.data + i++, 1);
		else
			i += put_special(&sink, in.data + i, in.length - i);
	}
	return sink_end(&sink);
}

/* ---- base64 -----------------------------------------------------------------------------------
 */

static const char base64_letters[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t ft_base64_encode(struct ft_bytes in, char *out, size_t size)
{
	const unsigned char *bytes = (const unsigned char *)in.data;
	struct sink sink = sink_of(out, size);

	for (size_t i = 0; i < in.length; i += 3) {
		size_t left = in.length - i;
		uint32_t group = (uint32_t)bytes[i] << 16;
		char letters[4];

		if (left > 1)
			group |= (uint32_t)bytes[i + 1] << 8;
		if (left > 2)
			group |= bytes[i + 2];
		for (size_t k = 0; k < sizeof(letters); k++)
			letters[k] = k <= left ? base64_letters[group >> (18 - 6 * k) & 63] : '=';
		sink_put(&sink, letters, sizeof(letters));
	}
	return sink_end(&sink);
}

/* The value of a letter; -1 if it is none. */
static int base64_value(char letter)
{
	if (letter >= 'A' && letter <= 'Z')
		return letter - 'A';
	if (letter >= 'a' && letter <= 'z')
		return letter - 'a' + 26;
	if (letter >= '0' && letter <= '9')
		return letter - '0' + 52;
	return letter == '+' ? 62 : letter == '/' ? 63 : -1;
}

/* Four letters, of which the last padding are '='. */
static int decode_group(const char *letters, size_t padding, unsigned char bytes[3])
{
	uint32_t group = 0;

	for (size_t k = 0; k < 4; k++) {
		int value = k < 4 - padding ? base64_value(letters[k]) : 0;

		if (value < 0)
			return -EINVAL;
		group = group << 6 | (uint32_t)value;
	}
	/* Bits that no byte takes are zero, or the same bytes would have two forms. */
	if (padding && group & ((1u << 8 * padding) - 1))
		return -EINVAL;
	bytes[0] = (unsigned char)(group >> 16);
	bytes[1] = (unsigned char)(group >> 8);
	bytes[2] = (unsigned char)group;
	return 0;
}

int ft_base64_decode(struct ft_bytes in, void *out, size_t size, size_t *ret_length)
{
	unsigned char bytes[3];
	size_t length = 0;
	size_t padding = 0;
	int r;

	if (in.length % 4)
		return -EINVAL;
	while (padding < 2 && padding < in.length && in.data[in.length - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < in.length; i += 4) {
		size_t missing = i + 4 == in.length ? padding : 0;

		r = decode_group(in.data + i, missing, bytes);
		if (r < 0)
			return r;
		if (size - length < 3 - missing)
			return -ENOBUFS;
		memcpy((unsigned char *)out + length, bytes, 3 - missing);
		length += 3 - missing;
	}
	*ret_length = length;
	return 0;
}

/* ---- durations --------------------------------------------------------------------------------
 */

/* A unit is used below limit of it. */
static const struct scale {
	const char *name;
	uint64_t unit_ns;
	uint64_t limit;
} scales[] = {
	{"ns", 1, 1000},
	{"us", 1000, 1000},
	{"ms", 1000000, 1000},
	{"s", 1000000000, 10000},
	{"h", UINT64_C(3600000000000), UINT64_MAX},
};

struct decimal {
	uint64_t number; /* in units of the last decimal */
	uint64_t power;  /* 10 to the decimals */
	int decimals;
};

/* Four digits if that many decimals are needed and make sense. */
static struct decimal round_to_four_digits(uint64_t duration_ns, uint64_t unit_ns)
{
	struct decimal decimal = {.power = 1000, .decimals = 3};

	if (unit_ns == 1)
		return (struct decimal){duration_ns, 1, 0};
	for (;; decimal.power /= 10, decimal.decimals--) {
		unsigned __int128 scaled = (unsigned __int128)duration_ns * decimal.power;

		decimal.number = (uint64_t)((scaled + unit_ns / 2) / unit_ns);
		if (decimal.number < 10000 || decimal.decimals == 0)
			return decimal;
	}
}

size_t ft_format_duration(uint64_t duration_ns, bool is_column, char *out, size_t size)
{
	const struct scale *scale = scales;
	int width = is_column ? FT_DURATION_SIZE - 1 : 0;
	struct decimal decimal;
	char fraction[16];
	char number[48];

	if (duration_ns == UINT64_MAX)
		return (size_t)snprintf(out, size, "%*s", width, "forever");

	/* 999.96us rounds to 1000us, which is 1ms: so the limit is held against what is shown. */
	decimal = round_to_four_digits(duration_ns, scale->unit_ns);
	while (decimal.number / decimal.power >= scale->limit) {
		scale++;
		decimal = round_to_four_digits(duration_ns, scale->unit_ns);
	}
	while (!is_column && decimal.decimals > 0 && decimal.number % 10 == 0) {
		decimal.number /= 10;
		decimal.power /= 10;
		decimal.decimals--;
	}
	snprintf(fraction, sizeof(fraction), ".%03u",
		 (unsigned int)(decimal.number % decimal.power * (1000 / decimal.power)));
	snprintf(number, sizeof(number), "%llu%.*s%s",
		 (unsigned long long)(decimal.number / decimal.power),
		 decimal.decimals ? decimal.decimals + 1 : 0, fraction, scale->name);
	return (size_t)snprintf(out, size, "%*s", width, number);
}
