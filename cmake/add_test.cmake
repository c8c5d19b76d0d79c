# mattecore_add_test(NAME SOURCE LIBRARY...): the program mattecore_NAME_test, its cases known to ctest.
function(mattecore_add_test name source)
  add_executable(mattecore_${name}_test ${source})
  target_link_libraries(mattecore_${name}_test PRIVATE mattecore_options ${ARGN} GTest::gtest GTest::gtest_main)
  include(GoogleTest)
  gtest_discover_tests(mattecore_${name}_test DISCOVERY_MODE PRE_TEST)
endfunction()
