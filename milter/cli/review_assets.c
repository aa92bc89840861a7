#include "review_html.h"

/* The file as it is, and a NUL. Its path is that from the top of the tree, where the compiler runs. */
#define ASSET(name, path)                                                                                                        \
    __asm__(".pushsection .rodata\n"                                                                                             \
            ".global " #name "\n"                                                                                                \
            ".type " #name ", @object\n" #name ":\n"                                                                             \
            ".incbin \"" path "\"\n"                                                                                             \
            ".byte 0\n"                                                                                                          \
            ".size " #name ", . - " #name "\n"                                                                                   \
            ".popsection")

ASSET(review_css, "milter/cli/review.css");
ASSET(review_js, "milter/cli/review.js");
