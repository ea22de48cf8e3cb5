# LICTOR_SANITIZE: comma-separated list for -fsanitize= ("address,undefined", "thread"), or empty.
# LICTOR_HARDEN: what a program that meets hostile bytes is shipped with.
add_library(lictor_flags INTERFACE)
target_compile_definitions(lictor_flags INTERFACE _GNU_SOURCE)

if(LICTOR_SANITIZE)
    target_compile_options(lictor_flags INTERFACE
        -fsanitize=${LICTOR_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(lictor_flags INTERFACE -fsanitize=${LICTOR_SANITIZE})
endif()

if(LICTOR_FUZZ)
    # Coverage for libFuzzer in every library; only the targets in tests/fuzz link its main.
    target_compile_options(lictor_flags INTERFACE -fsanitize=fuzzer-no-link)
    target_link_options(lictor_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(LICTOR_COVERAGE)
    target_compile_options(lictor_flags INTERFACE --coverage)
    target_link_options(lictor_flags INTERFACE --coverage)
endif()

if(LICTOR_COUNTERS)
    target_compile_definitions(lictor_flags INTERFACE LICTOR_COUNTERS=1)
endif()

# tests/hardened.py checks each of these in the programs that were built.
if(LICTOR_HARDEN)
    target_compile_options(lictor_flags INTERFACE
        -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection)
    target_link_options(lictor_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
        # Indirect branches and returns only to where they belong (IBT, shadow stack). The program as
        # a whole is marked so only where the system's start files are, which Debian 12's are not.
        target_compile_options(lictor_flags INTERFACE -fcf-protection=full)
    endif()
endif()
