# What compiling and linking the core takes, for every Makefile that does:
# CORE_CFLAGS and CORE_LIBS.
#
# Training a neural network multiplies matrices with OpenBLAS, the serial
# build: the threaded one starts threads in every backend.  Debian keeps the
# builds apart by directory, all under one library name, and its alternatives
# system decides what the bare name finds; the run path makes sure that it is
# the one linked with.  BLAS_DIR= takes another place, BLAS_LIBS= another way.

PKG_CONFIG ?= pkg-config
BLAS_DIR ?= $(firstword $(wildcard \
	/usr/lib/$(shell $(CC) -print-multiarch 2>/dev/null)/openblas-serial \
	/usr/lib/openblas-serial /usr/lib64/openblas-serial) \
	$(shell $(PKG_CONFIG) --variable=libdir openblas 2>/dev/null))
BLAS_INCLUDE ?= $(firstword $(wildcard $(subst /lib/,/include/,$(BLAS_DIR)) \
	$(shell $(PKG_CONFIG) --variable=includedir openblas 2>/dev/null)))
BLAS_LIBS ?= -L$(BLAS_DIR) -Wl,-rpath,$(BLAS_DIR) -lopenblas

# No fused multiply-adds: a model scores the same on every machine.  Nobody here
# looks at errno or exception flags of arithmetic, and without them loops can
# be vectorised; none of this changes a result, as -ffast-math would.
CORE_CFLAGS := -ffp-contract=off -fno-math-errno -fno-trapping-math \
	$(shell $(CC) -fvect-cost-model=dynamic -E -x c /dev/null >/dev/null 2>&1 && \
	echo -ftree-vectorize -fvect-cost-model=dynamic) $(BLAS_INCLUDE:%=-I%)
CORE_LIBS = $(BLAS_LIBS) -lm
