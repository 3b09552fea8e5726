"""Text that wants to be more than text, and a way to put it everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from matrix.results import Attempt, EnvironmentReport, Result, Run

PAYLOADS = (
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<!--<script>",
    "--></script><svg onload=alert(3)>",
    '"><img src=x onerror=alert(4)>',
    "' onmouseover='alert(5)",
    '" autofocus onfocus="alert(6)',
    "</style><style>*{display:none}</style>",
    "</title><body onload=alert(7)>",
    "</textarea><iframe src=https://example.com></iframe>",
    "</pre></code></details></table><h1>owned</h1>",
    "<a href=javascript:alert(8)>here</a>",
    "{{ 7 * 7 }}{% raw %}{# no #}",
    "${alert(9)}`+alert(10)+`",
    "&lt;b&gt; &amp; &#60;script&#62;",
    '=HYPERLINK("https://example.com","x")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1:A9)",
    "\tTabbed",
    "'quoted first",
    "\x1b[31mred\x1b[0m \x1b]8;;https://example.com\x07link\x1b]8;;\x07",
    "nul\x00 bell\x07 back\x08\x08",
    "\u202etxt.exe\u2066 \u2028line\u2029paragraph",
    "lone \ud800 surrogate",
    "`code` | pipe \\| [link](https://example.com) ![img](x) <details>",
    'comma, "quote" and\r\nnew line\nand another',
    "x" * 5_000,
    "<svg><script>alert(11)</script></svg>",
    "<svg/onload=alert(12)>",
    "<math><mtext></mtext><mglyph><style></math><img src=x onerror=alert(13)>",
    "<template><script>alert(14)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(15)>'>",
    "<xmp><p title='</xmp><img src=x onerror=alert(16)>'>",
    "<plaintext>",
    "<base href=https://example.com/>",
    "<meta http-equiv=refresh content='0;url=https://example.com'>",
    "<link rel=stylesheet href=https://example.com/x.css>",
    "<form action=https://example.com><button>go</button></form>",
    "<object data=https://example.com></object><embed src=https://example.com>",
    "<input autofocus onfocus=alert(17)>",
    "<details open ontoggle=alert(18)>",
    "<marquee onstart=alert(19)>",
    "<table><tr><td>cell</td></tr></table>",
    "<!DOCTYPE html><html><head><title>other</title>",
    "<![CDATA[<script>alert(20)</script>]]>",
    "<?xml version='1.0'?><?php echo 1 ?>",
    "]]></script><script>alert(21)//",
    "\\u003cscript\\u003ealert(22)\\u003c/script\\u003e",
    '\\"};alert(23);//',
    "'; alert(24); var x='",
    "javascript:alert(25)//",
    "data:text/html,<script>alert(26)</script>",
    "#/cell/../../<img src=x>?run=<b>",
    "__proto__",
    "constructor",
    "toString",
    "%3Cscript%3Ealert(27)%3C/script%3E %E0%A4%A %",
    "\ufeffmark \u200bjoined\u200d \U000e0041tag",
    "e\u0301" * 40 + "\u0489" * 40,
)


def always(text: str) -> Callable[[str], str]:
    """What puts this text in every place, for `spoiled`."""
    return lambda _: text


def spoiled(whole: Run, say: Callable[[str], str]) -> Run:
    """The same run with every free text passed through `say`, to see what a page does with it."""

    def attempt(one: Attempt) -> Attempt:
        return replace(
            one,
            message=say(one.message),
            exception=say(one.exception),
            signature=say(one.signature),
            rung=say(one.rung),
            lost=say(one.lost),
        )

    def result(one: Result) -> Result:
        return replace(
            one,
            reason=say(one.reason),
            cause=say(one.cause),
            container=say(one.container),
            remedy=say(one.remedy) if one.remedy else "",
            attempts=tuple(map(attempt, one.attempts)),
            writer_error=attempt(one.writer_error) if one.writer_error else None,
        )

    def report(one: EnvironmentReport) -> EnvironmentReport:
        return replace(
            one,
            **{name: say(getattr(one, name)) for name in ("error", "remedy", "python", "tensorflow", "numpy", "h5py")},
            environment=replace(
                one.environment,
                tensorflow=say(one.environment.tensorflow),
                variables=((say("NAME"), say("value")),),
                lock=say(one.environment.lock),
            ),
            unsupported=tuple((format_, say(why)) for format_, why in one.unsupported),
        )

    return replace(
        whole,
        id=say(whole.id),
        started=say(whole.started),
        command=say(whole.command),
        note=say(whole.note),
        sources=tuple((name, say(text)) for name, text in whole.sources),
        profile=say(whole.profile),
        environments=tuple(map(report, whole.environments)),
        scenarios=tuple(replace(one, title=say(one.title)) for one in whole.scenarios),
        results=tuple(map(result, whole.results)),
        tracebacks=tuple((key, say(text)) for key, text in whole.tracebacks),
        left_out=tuple((say(what), say(why)) for what, why in whole.left_out),
        known=tuple(
            replace(one, **{name: say(getattr(one, name)) for name in ("letters", "reason", "link", "signature")})
            for one in whole.known
        ),
        machine=tuple((say(what), say(fact)) for what, fact in whole.machine),
    )
