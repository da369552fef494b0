"""A command of which each option that takes one value is given once: of two values one would be dropped without a word."""

from typing import Any

from typer.core import TyperCommand, TyperOption


class OnceEach(TyperCommand):
    """A command that refuses an option that is given twice; flags, and options that take several values, may be repeated."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the arguments in.

        Raises:
            UsageError: An option with one value is given again.
        """
        if args and not ctx.resilient_parsing:
            _, _, order = self.make_parser(ctx).parse_args(args=list(args))
            for option in order:
                if isinstance(option, TyperOption) and _takes_one(option) and order.count(option) > 1:
                    ctx.fail(f"{max(option.opts, key=len)} is given {order.count(option)} times: it takes one value")
        return super().parse_args(ctx, args)


def _takes_one(option: TyperOption) -> bool:
    return not (option.multiple or option.is_flag or option.count)
