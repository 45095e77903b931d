/*
 * wide.h - loops compiled twice, for any processor and for wider vectors.
 *
 * The loader takes what the processor has.  Results are the same: operations
 * are of elements on their own, and none are fused.  The sanitizers' start
 * comes too late for the choice; they run the plain ones.
 */
#ifndef PGA_WIDE_H
#define PGA_WIDE_H

#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__) && \
	!defined(__SANITIZE_ADDRESS__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

#endif							/* PGA_WIDE_H */
