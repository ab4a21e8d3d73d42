"""Texts that try to become more than text, one for each way that we know of. All of them call `ran()` if they run.

`MARK` is an attribute that no page of ours has: where it is found, a text has become markup, whether it ran or not.
"""

MARK = "data-foreign"
_RUN = "ran()"
PAYLOADS = (
    # Between tags.
    f"<script {MARK}>{_RUN}</script>",
    f"<ScRiPt {MARK}>void {_RUN}</sCrIpT>",
    f"<img {MARK} src=x onerror={_RUN}>",
    f"<img {MARK}/src=`x`/onerror={_RUN}>",
    f"<svg {MARK} onload={_RUN}>",
    f"<svg {MARK}><animate onbegin={_RUN} attributeName=x dur=1s>",
    f"<svg {MARK}><script>{_RUN}</script></svg>",
    f"<math {MARK}><mi xlink:href='javascript:{_RUN}'>x</mi></math>",
    f"<iframe {MARK} src='javascript:parent.{_RUN}'></iframe>",
    f"<iframe {MARK} srcdoc='<script>parent.{_RUN}</script>'>",
    f"<object {MARK} data='javascript:{_RUN}'></object>",
    f"<embed {MARK} src='javascript:{_RUN}'>",
    f"<video {MARK}><source onerror={_RUN}></video>",
    f"<details {MARK} open ontoggle={_RUN}>x</details>",
    f"<input {MARK} autofocus onfocus={_RUN}>",
    f"<style {MARK}>*{{background:url('//foreign.example/x')}}</style>",
    f"<link {MARK} rel=stylesheet href='//foreign.example/x.css'>",
    f"<base {MARK} href='//foreign.example/'>",
    f"<meta {MARK} http-equiv=refresh content='0;url=//foreign.example/'>",
    f"<form {MARK} action='//foreign.example/'><button>Sign in",
    # Out of something: an attribute, a comment, a script, a text field, a title.
    f"\" {MARK} onmouseover={_RUN} autofocus onfocus={_RUN} x=\"",
    f"' {MARK} onmouseover={_RUN} autofocus onfocus={_RUN} x='",
    f"\"><img {MARK} src=x onerror={_RUN}>",
    f"'><img {MARK} src=x onerror={_RUN}>",
    f"`><img {MARK} src=x onerror={_RUN}>",
    f"--><img {MARK} src=x onerror={_RUN}><!--",
    f"</script><script {MARK}>{_RUN}</script>",
    f"</textarea><img {MARK} src=x onerror={_RUN}>",
    f"</title><img {MARK} src=x onerror={_RUN}>",
    f"</option></select><img {MARK} src=x onerror={_RUN}>",
    f"</pre></code><img {MARK} src=x onerror={_RUN}>",
    f"]]><img {MARK} src=x onerror={_RUN}>",
    # Into a script, or JSON that stands in one.
    f"';{_RUN};//",
    f"\";{_RUN};//",
    f"\\\";{_RUN};//",
    f"${{{_RUN}}}",
    f"{{\"__proto__\": {{\"{MARK}\": \"{_RUN}\"}}}}",
    # As an address.
    f"javascript:{_RUN}",
    f"JaVaScRiPt:{_RUN}//http://",
    f"data:text/html,<script {MARK}>opener.{_RUN}</script>",
    f"vbscript:{_RUN}",
    f"//foreign.example/{MARK}",
    # For templates, here or in a browser.
    f"{{{{ cycler.__init__.__globals__ }}}}<i {MARK}>",
    f"{{% include '/etc/passwd' %}}<i {MARK}>",
    f"{{{{constructor.constructor('{_RUN}')()}}}}",
    # What looks like something else, once it is decoded or made smaller.
    f"＜img {MARK} src=x onerror={_RUN}＞",
    f"%3Cimg {MARK} src=x onerror={_RUN}%3E",
    f"&lt;img {MARK} src=x onerror={_RUN}&gt;",
    # For a spreadsheet.
    f"=HYPERLINK(\"http://foreign.example/\",\"{_RUN}\")",
    f"@SUM(1+1)*cmd|' /C calc'!A0 {MARK}",
)  # fmt: skip
