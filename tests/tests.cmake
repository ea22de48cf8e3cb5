# Every test of the tree: what it is and which folders it is linked with.
# Criterion and jansson are needed here and nowhere else.
pkg_check_modules(criterion REQUIRED IMPORTED_TARGET criterion)
pkg_check_modules(jansson REQUIRED IMPORTED_TARGET jansson)

# --- unit: tests/unit/test_<module>.c ---------------------------------------------------------
lictor_unit_test(age delivery)
lictor_unit_test(age_armor delivery)
lictor_unit_test(age_header delivery)
lictor_unit_test(age_payload delivery)
lictor_unit_test(arena base)
lictor_unit_test(arena_chunked base)
lictor_unit_test(bech32 delivery)
lictor_unit_test(bytes base)
lictor_unit_test(chan base)
lictor_unit_test(cli base)
lictor_unit_test(content store)
lictor_unit_test(copies store)
lictor_unit_test(inflate delivery)
lictor_unit_test(dump_write delivery)
lictor_unit_test(emoji text)
lictor_unit_test(fold text LIBS PkgConfig::icu)
lictor_unit_test(json_out base LIBS PkgConfig::jansson)
lictor_unit_test(json_scan delivery)
lictor_unit_test(os base)
lictor_unit_test(phone text)
lictor_unit_test(record delivery)
lictor_unit_test(record_canon delivery)
lictor_unit_test(record_jansson delivery LIBS PkgConfig::jansson)
lictor_unit_test(term store)
lictor_unit_test(thread base)
lictor_unit_test(timestamp base)
lictor_unit_test(utf8 base)
lictor_unit_test(wholes text)
lictor_unit_test(words text)
lictor_unit_test(words_icu text LIBS PkgConfig::icu)
lictor_unit_test(zone text)

# --- race: plain programs, for the tsan preset -------------------------------------------------
lictor_race_test(chan base)

# --- fuzz: tests/fuzz/fuzz_<name>.c and tests/fuzz/corpus/<name>/ ------------------------------
lictor_fuzz_target(age_header delivery)
lictor_fuzz_target(age_payload delivery)
lictor_fuzz_target(content store)
lictor_fuzz_target(copies store)
lictor_fuzz_target(inflate delivery)
lictor_fuzz_target(record delivery)
lictor_fuzz_target(words text)

# --- the programs from outside -----------------------------------------------------------------
