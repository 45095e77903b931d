/*
 * fuzz_reader.c - any bytes as a capture file: pcap, pcapng, or either of them
 * compressed.  No read past an end, no frame that is not there, an end to
 * everything; what cannot be read has a message.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture.h"
#include "fuzz.h"

enum
{
	MOST_FRAMES = 4096			/* small files unpack to very large ones */
};

static void
read_all(source *s, const char *filter)
{
	static volatile uint32_t sum;	/* every byte of every frame is looked at */
	char		message[MESSAGE_BYTES] = "";
	capture    *c = capture_open(s, filter, message);
	frame		f;
	int			result = 1;

	require(c || message[0], "there is a reason");
	if (!c)
		return;
	for (int i = 0; i < MOST_FRAMES && (result = capture_next(c, &f, message)) == 1; i++)
		for (uint32_t k = 0; k < f.captured; k++)
			sum += f.data[k];
	require(result >= 0 || message[0], "there is a reason");
	(void) sum;
	require(capture_drops(c) >= -1, "drops are a count");
	capture_close(c);
}

/* The smallest files of each kind, to begin with. */
static void
write_seeds(const char *directory)
{
	static const uint8_t classic[] =
		"\xd4\xc3\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0\0\0\1\0\1\0\0\0"
		"\1\0\0\0\2\0\0\0\4\0\0\0\4\0\0\0frog";
	static const uint8_t nanoseconds[] =
		"\xa1\xb2\x3c\x4d\0\2\0\4\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\x65"
		"\0\0\0\1\0\0\0\2\0\0\0\4\0\0\0\4toad";
	static const uint8_t ng[] =
		"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\1\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0"
		"\1\0\0\0\x20\0\0\0\1\0\0\0\0\0\0\0\x09\0\1\0\x09\0\0\0\0\0\0\0\x20\0\0\0"
		"\6\0\0\0\x24\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4\0\0\0\4\0\0\0newt\x24\0\0\0"
		"\5\0\0\0\x24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5\0\x08\0\7\0\0\0\0\0\0\0\0\0\0\0\x24\0\0\0";
	static const uint8_t gzip[] =	/* "classic" */
		"\x1f\x8b\x08\0\0\0\0\0\0\3\xbb\x72\x78\xd3\x42\x26\x06\x16\x06\x30\x60\x64\x60\x60\x60\x02\xd2\x8c\x40\xcc\x02\xc4\x2c"
		"\x40\x9c\x56\x94\x9f\x0e\0";
	static const uint8_t zstd[] = "\x28\xb5\x2f\xfd\x20\4\x21\0\0\xd4\xc3\xb2\xa1";	/* one raw block of four bytes */
	static const uint8_t xz[] =
		"\xfd\x37\x7a\x58\x5a\0\0\1\x69\x22\xde\x36\2\0\x21\1\x16\0\0\0\x74\x2f\xe5\xa3\1\0\3\xd4\xc3\xb2\xa1\0";
	const struct
	{
		const uint8_t *bytes;
		size_t		size;
	}			seeds[] = {
		{classic, sizeof(classic) - 1}, {nanoseconds, sizeof(nanoseconds) - 1}, {ng, sizeof(ng) - 1},
		{gzip, sizeof(gzip) - 1}, {zstd, sizeof(zstd) - 1}, {xz, sizeof(xz) - 1},
	};

	for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++)
	{
		char		path[4096];
		FILE	   *to;

		snprintf(path, sizeof(path), "%s/%zu", directory, i);
		to = fopen(path, "wb");
		if (!to || fwrite(seeds[i].bytes, 1, seeds[i].size, to) != seeds[i].size || fclose(to) != 0)
			exit(1);
	}
}

int			LLVMFuzzerInitialize(int *argc, char ***argv);
int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *seeds = getenv("SEED_DIR");

	if (seeds)
	{
		write_seeds(seeds);
		exit(0);
	}
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int	file = -1;
	static char path[64];
	char		message[MESSAGE_BYTES];
	source	   *s;

	if (file < 0)
	{
		file = memfd_create("capture", 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	}
	require(ftruncate(file, 0) == 0 && pwrite(file, data, size, 0) == (ssize_t) size, "memory holds the file");
	s = source_open(path, message);
	require(s != NULL, "the file opens");
	read_all(s, size > 0 && data[size - 1] & 1 ? "tcp or udp port 53" : NULL);
	source_close(s);
	return 0;
}
