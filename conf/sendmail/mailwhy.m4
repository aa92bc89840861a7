divert(-1)
dnl FEATURE(`mailwhy', `REPLY-MAP', `MILTER'): what the check_* rulesets refuse is explained by mailwhyd(8). mailwhy-sendmail(7) is its manual.
dnl Part of mailwhy, Apache License 2.0.
dnl
dnl It stands before every other FEATURE. Each ruleset check_X that is defined after it, by m4/proto.m4, another FEATURE or the site, gets the
dnl name mailwhy_check_X; the check_X of this file calls it, and has the text of a $#error explained. So does ruleset 0 for what it refuses at MAIL
dnl and RCPT. Whatever goes wrong on the way, it stays refused: the text is looked up by a ruleset of its own, which is called behind $#error and $:.
divert(0)
VERSIONID(`mailwhy.m4, FEATURE(mailwhy)')
divert(-1)

define(`_MAILWHY_MILTER_', ifelse(len(X`'_ARG2_), `1', `unix:/var/spool/postfix/mailwhy/milter', `_ARG2_'))

LOCAL_CONFIG
# mailwhyd explains what is refused; where it does not answer, Sendmail's own text stands.
Ksendmail socket -o -f -t -d5 -S  ifelse(len(X`'_ARG_), `1', `unix:/var/spool/postfix/mailwhy/reply', `_ARG_')
Kmailwhy_set macro
divert(-1)

INPUT_MAIL_FILTER(`mailwhy', `S='_MAILWHY_MILTER_`, T=C:5s;S:5s;R:5s;E:10s')
dnl mailwhyd asks for its macros itself; milters behind its proxy cannot.
define(`confMILTER_MACROS_CONNECT', defn(`confMILTER_MACROS_CONNECT')``, v, {client_addr}, {client_port}, {client_name}, {daemon_port}'')
define(`confMILTER_MACROS_HELO', defn(`confMILTER_MACROS_HELO')``, {client_addr}, {client_port}'')

dnl The names of the rulesets that are wrapped. proto.m4 puts most of them together from pieces; with delay_checks its checkrelay, checkmail
dnl and checkrcpt are called by its check_rcpt, which is a word of its own.
define(`Scheck', `ifdef(`_DELAY_CHECKS_', ``Scheck'', ``Smailwhy_check'')')
define(`Scheck_relay', ``Smailwhy_check_relay'')
define(`Scheck_mail', ``Smailwhy_check_mail'')
define(`Scheck_rcpt', ``Smailwhy_check_rcpt'')
define(`Scheck_data', ``Smailwhy_check_data'')
define(`Scheck_eoh', ``Smailwhy_check_eoh'')
define(`Scheck_eom', ``Smailwhy_check_eom'')
define(`Scheck_other', ``Smailwhy_check_other'')
define(`Scheck_etrn', ``Smailwhy_check_etrn'')
define(`Scheck_vrfy', ``Smailwhy_check_vrfy'')
define(`Scheck_expn', ``Smailwhy_check_expn'')
dnl Ruleset 0 and its recursive call lose their numbers, which stand behind the names, to the ones below.
define(`Sparse', ``Smailwhy_parse'
dnl')
define(`SRecurse', ``Smailwhy_recurse'
dnl')

dnl $1: what follows check_, $2: whether its argument is an address
define(`_MAILWHY_RULESET_', `
S`'mailwhy_check_$1
S`'check_$1
R$`'*	$: ifelse(`$2', `', `', `$`'1 ')$| <$1> $`'>mailwhy_check_$1 $`'1
R$`'*	$`'@ $`'>mailwhy $`'1')

LOCAL_RULESETS
######################################################################
###  mailwhy: have what a check_* ruleset refuses explained
###
###	Parameters:
###		an address $| <what follows check_> and what it returned
######################################################################
Smailwhy
# $@ and $: cannot be named on the left: the macro map tells what stands behind $@, and $- stands for either
R$* $| <$-> $#error $*				$: $1 $| <$2> <$(mailwhy_set {mailwhy_dsn} $3 $)> $#error $3
R$* $| <$-> <> $#error $*			$: $1 $| <$2> <$&{mailwhy_dsn}> $#error $3
R$* $| <$-> <quarantine> $#error $*		$#error $3
R$* $| <$-> <> $#error $- $*			$#error $: $>mailwhy_text <$2> <> $1 $| $4
R$* $| <$-> <$+> $#error $- $-.$-.$- $- $*	$#error $@ $5.$6.$7 $: $>mailwhy_text <$2> <$3> $1 $| $9
R$* $| <$-> <$+> $#error $- $- $- $*		$#error $@ $5 $: $>mailwhy_text <$2> <$3> $1 $| $7
R$* $| <$-> <$*> $#error $*			$#error $4
R$* $| <$-> $*					$@ $3

# what ruleset 0 refused, under the address as it was
Smailwhy_parsed
R$* $| <$-> $#error $*	$: <$2> $#error $3 $| $>final $1
R<$-> $#error $* $| $*	$@ $>mailwhy $3 $| <$1> $#error $2
R$* $| <$-> $*		$@ $3

# the key's fields are those of mailwhy/ruleset_map.h; where there is no answer the text stays as it was
# the connection is closed again, since a client would be shown what becomes of one that breaks
Smailwhy_text
R<$-> <$*> $* $| $*	$: $(sendmail $1 $| $j $| $v $| $&{client_addr} $| $&{client_port} $| $&{client_name} $| $&{tls_version} $| $&{auth_type} $| $&{auth_authen} $| $2 $| $3 $| $4 $: ? $) $| $4
R? $| $*	$@ $1
R$* $| $*	$@ $1 $(sendmail close $: $)

# for header checks, which have names of the site's own: $#error $@ 5.7.1 $: $>mailwhy_header "550 5.7.1 text"
Smailwhy_header
R$*			$: <$&{opMode}> $1
R<d> $*			$@ $>mailwhy_text <header> <> $| $1
R<s> $*			$@ $>mailwhy_text <header> <> $| $1
R<$*> $*		$@ $2

# ruleset 0: outside of MAIL, RCPT and VRFY, and where no client is, it is as it was
S`'parse=0
R$*			$: <$&{opMode} $| $&{addr_type} $| $&{client_addr}> $1
R<s $| $*		$: <d $| $1
R<d $| e s $| $+> $*	$@ $>mailwhy_parsed $2 $| <sender> $>mailwhy_parse $2
R<d $| e r $| $+> $*	$@ $>mailwhy_parsed $2 $| <recipient> $>mailwhy_parse $2
R<$* $| $* $| $*> $*	$@ $>mailwhy_parse $4

S`'Recurse=97
R$*			$: $>canonify $1
R$*			$@ $>mailwhy_parse $1
_MAILWHY_RULESET_(`relay')
_MAILWHY_RULESET_(`mail', `address')
_MAILWHY_RULESET_(`rcpt', `address')
_MAILWHY_RULESET_(`data')
_MAILWHY_RULESET_(`eoh')
_MAILWHY_RULESET_(`eom')
_MAILWHY_RULESET_(`other')
_MAILWHY_RULESET_(`etrn')
_MAILWHY_RULESET_(`vrfy')
_MAILWHY_RULESET_(`expn')
divert(-1)
