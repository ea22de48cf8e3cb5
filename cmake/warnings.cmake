# The warnings every target of ours is built with. -Werror only where a preset asks for it
# (LICTOR_WERROR): a newer compiler must not break the build of a release.
add_library(lictor_warnings INTERFACE)
target_compile_options(lictor_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wvla
    -Wcast-qual -Wformat=2 -Wundef
    $<$<BOOL:${LICTOR_WERROR}>:-Werror>)
