#include "mattecore/base/free_memory.h"

#include <cstdlib>  // any header of glibc says that it is glibc

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace mattecore {

void return_free_memory() {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

}  // namespace mattecore
