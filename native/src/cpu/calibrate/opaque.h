#pragma once

// Makes a register's value unknown to the compiler at no cost, so that repeated arithmetic on it is really done.
#if defined(__aarch64__)
#define MSC_OPAQUE(value) __asm__ volatile("" : "+w"(value))
#else
#define MSC_OPAQUE(value) __asm__ volatile("" : "+x"(value))
#endif

#ifdef MSC_EMULATE_AVX512
#define MSC_OPAQUE512(value) __asm__ volatile("" : : "r"(&value) : "memory")
#else
#define MSC_OPAQUE512(value) __asm__ volatile("" : "+v"(value))
#endif
