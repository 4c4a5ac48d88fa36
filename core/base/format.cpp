// The part of fmt that is not templates, compiled here once. As a header-only library it costs each file that
// formats a message several seconds of compiling; as a linked library it would be one more thing for our
// users to find. The build renames fmt's inline namespace, so that a program with an fmt of its own has two
// that do not meet. What has to be instantiated is what the versions declare `extern template`.
#include <fmt/format-inl.h>

#ifndef FMT_HEADER_ONLY
FMT_BEGIN_NAMESPACE
namespace detail {

template FMT_API thousands_sep_result<char> thousands_sep_impl<char>(locale_ref);
template FMT_API char decimal_point_impl<char>(locale_ref);
template FMT_API dragonbox::decimal_fp<float> dragonbox::to_decimal<float>(float) noexcept;
template FMT_API dragonbox::decimal_fp<double> dragonbox::to_decimal<double>(double) noexcept;
#if FMT_VERSION < 110000
template FMT_API void buffer<char>::append<char>(const char*, const char*);
template FMT_API void vformat_to<char>(buffer<char>&, basic_string_view<char>,
                                       basic_format_args<buffer_context<char>>, locale_ref);
#endif

}  // namespace detail
FMT_END_NAMESPACE
#endif
