# WebAssembly, by `emcmake cmake`: one thread, vectors of 16 bytes, exceptions. Emscripten looks for libraries in its own
# tree alone, so what is used as headers is taken from the system by hand. Of zlib there is no more than that: a program that
# reads what is packed links it with -sUSE_ZLIB=1, where the compiler has it.
add_compile_options(-fwasm-exceptions -msimd128)
add_link_options(-fwasm-exceptions)

set(adjoint_system_view ${CMAKE_CURRENT_BINARY_DIR}/include-system)
file(MAKE_DIRECTORY ${adjoint_system_view})
foreach(entry IN ITEMS fmt/format.h nlohmann/json.hpp zlib.h zconf.h)
    find_path(ADJOINT_FOLDER_OF_${entry} ${entry} PATHS /usr/include /usr/include/${CMAKE_HOST_SYSTEM_PROCESSOR}-linux-gnu
              NO_CMAKE_FIND_ROOT_PATH REQUIRED)
    mark_as_advanced(ADJOINT_FOLDER_OF_${entry})
    string(REGEX MATCH "^[^/]+" name ${entry})
    file(CREATE_LINK ${ADJOINT_FOLDER_OF_${entry}}/${name} ${adjoint_system_view}/${name} SYMBOLIC)
endforeach()
foreach(target IN ITEMS ZLIB::ZLIB fmt::fmt nlohmann_json::nlohmann_json Threads::Threads)
    add_library(${target} INTERFACE IMPORTED)
    set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES ${adjoint_system_view})
endforeach()
# Nothing is loaded later, so code need not be movable.
set(CMAKE_CXX_COMPILE_OPTIONS_PIC "")
