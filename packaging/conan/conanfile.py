# A recipe for Conan 2: conan create packaging/conan. It exports the tree that it lies in.
import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load


class AdjointConan(ConanFile):
    name = "adjoint"
    description = "Tensors with automatic differentiation for the CPU and CUDA"
    license = "Apache-2.0"
    topics = ("tensor", "autograd", "neural networks", "cuda")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {
        "shared": [True, False],
        "cuda": [True, False],
        "images": [True, False],
        "mpi": [True, False],
        "onnx": [True, False],
    }
    default_options = {"shared": False, "cuda": False, "images": True, "mpi": False, "onnx": True}

    def _root(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        text = load(self, os.path.join(self._root(), "CMakeLists.txt"))
        self.version = re.search(r"project\(adjoint VERSION ([0-9.]+)", text).group(1)

    def export_sources(self):
        for name in ("CMakeLists.txt", "LICENSE", "adjoint.h", "onnx.h"):
            copy(self, name, self._root(), self.export_sources_folder)
        for folder in ("autograd", "cmake", "core", "cpu", "cuda", "data", "distributed", "nn", "onnx", "optim",
                       "scripts", "train"):
            copy(self, folder + "/*", self._root(), self.export_sources_folder)

    def validate(self):
        check_min_cppstd(self, 20)

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        self.requires("zlib/[>=1.2.11 <2]")
        self.requires("fmt/[>=9 <13]", visible=False)
        self.requires("nlohmann_json/[>=3.11 <4]", visible=False)
        if self.options.images:
            self.requires("libpng/[>=1.6 <2]")
            self.requires("libjpeg-turbo/[>=3 <4]")
        if self.options.onnx:
            self.requires("protozero/[>=1.7 <2]", visible=False)
        if self.options.mpi:
            self.requires("openmpi/[>=4 <6]")

    def generate(self):
        tools = CMakeToolchain(self)
        for name in ("TESTS", "EXAMPLES", "BENCH"):
            tools.cache_variables["ADJOINT_" + name] = False
        for name in ("cuda", "images", "mpi", "onnx"):
            tools.cache_variables["ADJOINT_" + name.upper()] = "ON" if self.options.get_safe(name) else "OFF"
        tools.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()

    def package_info(self):
        # The library brings its own CMake package.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs.append(os.path.join("lib", "cmake", "adjoint"))
        self.cpp_info.libs = ["adjoint"]
