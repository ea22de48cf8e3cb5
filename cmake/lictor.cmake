# How folders, programs and tests become targets. Source lists are explicit, at the place of call.

# lictor_library(text SOURCES a.c b.c [DEPENDS base …] [LIBS PkgConfig::X …])
# -> static library lictor_text from text/a.c, text/b.c. DEPENDS are folders and the only folders
# whose symbols it may use (tests/check_layers.sh holds them against the table of the design).
function(lictor_library folder)
    cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;LIBS" ${ARGN})
    list(TRANSFORM arg_SOURCES PREPEND ${folder}/)
    list(TRANSFORM arg_DEPENDS PREPEND lictor_)
    add_library(lictor_${folder} STATIC ${arg_SOURCES})
    target_include_directories(lictor_${folder} PUBLIC ${PROJECT_SOURCE_DIR}
                                                       ${PROJECT_SOURCE_DIR}/include)
    target_link_libraries(lictor_${folder} PUBLIC lictor_flags ${arg_DEPENDS} ${arg_LIBS}
                                           PRIVATE lictor_warnings)
endfunction()

# lictor_program(lictor-query query/main.c query) -> program from one main file and one folder
function(lictor_program name main folder)
    add_executable(${name} ${main})
    target_link_libraries(${name} PRIVATE lictor_${folder} lictor_warnings)
endfunction()

# lictor_manual(lictor-query …) -> man page and completions of programs, made by docs/manual/make.py
# from the help of the program just built, under build/…/manual/; part of "all".
function(lictor_manual)
    set(make ${PROJECT_SOURCE_DIR}/docs/manual/make.py)
    set(out ${PROJECT_BINARY_DIR}/manual)
    set(made)
    foreach(program ${ARGN})
        set(files ${out}/man1/${program}.1 ${out}/bash/${program} ${out}/zsh/_${program}
                  ${out}/fish/${program}.fish)
        add_custom_command(OUTPUT ${files}
            COMMAND ${Python3_EXECUTABLE} ${make} $<TARGET_FILE:${program}> ${out}
            DEPENDS ${program} ${make}
            COMMENT "Manual of ${program}"
            VERBATIM)
        list(APPEND made ${files})
    endforeach()
    add_custom_target(manual ALL DEPENDS ${made})
    install(DIRECTORY ${out}/man1 DESTINATION ${CMAKE_INSTALL_MANDIR})
    install(DIRECTORY ${out}/bash/ DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
    install(DIRECTORY ${out}/zsh/ DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
    install(DIRECTORY ${out}/fish/ DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endfunction()

# lictor_avx2(store/bits_avx2.c …): compiled for AVX2 where there is such a thing; the caller asks
# the processor before it goes there. On other processors the file compiles to nothing.
function(lictor_avx2)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
        set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS "-mavx2;-mbmi2")
    endif()
endfunction()

# lictor_unit_test(bytes base [LIBS …]) -> tests/unit/test_bytes.c, ctest "unit.bytes".
# The second argument: folders it is linked with, as a list ("store;delivery").
function(lictor_unit_test module folders)
    cmake_parse_arguments(arg "" "" "LIBS" ${ARGN})
    # Criterion does not start under ThreadSanitizer, and libFuzzer has its own main.
    if(LICTOR_FUZZ OR LICTOR_SANITIZE MATCHES "thread")
        return()
    endif()
    list(TRANSFORM folders PREPEND lictor_)
    add_executable(test_${module} tests/unit/test_${module}.c)
    # rows of test data leave out what they do not need
    target_compile_options(test_${module} PRIVATE -Wno-missing-field-initializers)
    target_link_libraries(test_${module} PRIVATE ${folders} ${arg_LIBS} PkgConfig::criterion
                                                 lictor_warnings)
    add_test(NAME unit.${module} COMMAND test_${module} --tap --jobs 1)
    set_tests_properties(unit.${module} PROPERTIES LABELS unit TIMEOUT 300)
endfunction()

# lictor_race_test(chan base) -> tests/race/race_chan.c, a plain program, ctest "race.chan".
function(lictor_race_test name folders)
    if(LICTOR_FUZZ)
        return()
    endif()
    list(TRANSFORM folders PREPEND lictor_)
    add_executable(race_${name} tests/race/race_${name}.c)
    target_link_libraries(race_${name} PRIVATE ${folders} lictor_warnings)
    add_test(NAME race.${name} COMMAND race_${name})
    set_tests_properties(race.${name} PROPERTIES LABELS race TIMEOUT 300)
endfunction()

# lictor_fuzz_target(age delivery [LIBS …]) -> tests/fuzz/fuzz_age.c. Under the fuzz preset a libFuzzer
# program; elsewhere a program that replays tests/fuzz/corpus/age/, as ctest "fuzz.age".
function(lictor_fuzz_target name folders)
    cmake_parse_arguments(arg "" "" "LIBS" ${ARGN})
    list(TRANSFORM folders PREPEND lictor_)
    add_executable(fuzz_${name} tests/fuzz/fuzz_${name}.c)
    target_link_libraries(fuzz_${name} PRIVATE ${folders} ${arg_LIBS} lictor_warnings)
    if(LICTOR_FUZZ)
        target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    else()
        target_sources(fuzz_${name} PRIVATE tests/fuzz/replay_main.c)
        add_test(NAME fuzz.${name}
                 COMMAND fuzz_${name} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
        set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 300)
    endif()
endfunction()

# lictor_script_test(cli tests/cli/add.sh [arguments]) -> ctest "cli.add" with the built programs in
# $LICTOR_BIN.
function(lictor_script_test label script)
    if(LICTOR_FUZZ)
        return()
    endif()
    get_filename_component(stem ${script} NAME_WE)
    if(script MATCHES "\\.py$")
        set(runner python3)
        if(label STREQUAL "format") # zstd and xxhash modules are those of the system's Python
            set(runner /usr/bin/python3)
        endif()
    else()
        set(runner bash)
    endif()
    add_test(NAME ${label}.${stem} COMMAND ${runner} ${PROJECT_SOURCE_DIR}/${script} ${ARGN})
    set_tests_properties(${label}.${stem} PROPERTIES
        LABELS ${label} TIMEOUT 600 ENVIRONMENT LICTOR_BIN=${PROJECT_BINARY_DIR})
endfunction()
