// SPDX-License-Identifier: MIT OR Apache-2.0
// Counts words, numbers and comments in text of a kilobyte with a state machine:
// branches that depend on data.
#include "bench.h"

#define LEN 1024

enum state { SPACE, WORD, NUMBER, COMMENT };

static __u64 text_words[LEN / 8];

SEC("xdp") int fsm(struct xdp_md *ctx)
{
	const __u8 *text = (const __u8 *)text_words;
	struct job *job = job_of(ctx);
	__u32 words = 0, numbers = 0, comments = 0;
	enum state state = SPACE;

	if (!job)
		return XDP_ABORTED;
	__u64 random = job->seed;

	// Letters, digits, blanks and some number signs.
	for (__u32 i = 0; i < LEN / 8; i++)
		text_words[i] = (mix(&random) & 0x6f6f6f6f6f6f6f6fULL) | 0x2020202020202020ULL;
	for (__u32 i = 0; i < LEN; i++) {
		__u8 c = text[i];

		switch (state) {
		case SPACE:
			if (c == '#') {
				comments++;
				state = COMMENT;
			} else if (c >= '0' && c <= '9') {
				numbers++;
				state = NUMBER;
			} else if (c >= 'a') {
				words++;
				state = WORD;
			}
			break;
		case WORD:
			if (c < '0')
				state = SPACE;
			break;
		case NUMBER:
			if (c < '0' || c > '9')
				state = c >= 'a' ? WORD : SPACE;
			break;
		case COMMENT:
			if (c == '-')
				state = SPACE;
			break;
		}
	}
	job->result = (__u64)words << 32 | numbers << 16 | comments;
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
