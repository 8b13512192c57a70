import { joinScripts, Script, sh } from 'farmctl';
import type { Absence } from './ipvs-edits.ts';
import { CONFIG_PATH, MAINTENANCE_PATH } from './paths.ts';

/**
 * Asks a real server once as ldirectord does, with what its package brings: 0 is good. Arguments: type, address, port,
 * seconds, request, expression, host, method, protocol, section (with the password for mysql), user, database.
 */
const ASK = String.raw`use strict;
my ($type, $ip, $port, $seconds, $request, $expect, $host, $method, $protocol, $section, $user, $database) = @ARGV;
$SIG{ALRM} = sub { exit 1 };
alarm $seconds;
if ($type =~ /^https?$/) {
  require LWP::UserAgent;
  my $agent = LWP::UserAgent->new(ssl_opts => { verify_hostname => 0, SSL_verify_mode => 0 });
  my $head = HTTP::Headers->new(Host => $host eq '' ? $ip : $host);
  my $answer = $agent->request(HTTP::Request->new($method, "$type://$ip:$port$request", $head));
  exit !($answer->is_success && ($expect eq '' || $answer->content =~ /$expect/));
}
if ($type eq 'tcp') {
  require IO::Socket::INET;
  exit !IO::Socket::INET->new(PeerAddr => $ip, PeerPort => $port, Proto => 'tcp');
}
if ($type eq 'ping') {
  require Net::Ping;
  exit !Net::Ping->new('icmp', 1, 64)->ping($ip, $seconds);
}
if ($type eq 'dns') {
  require Net::DNS;
  my $resolver = Net::DNS::Resolver->new(nameservers => [$ip], port => $port, usevc => $protocol eq 'tcp');
  my $answer = $resolver->search($request) or exit 1;
  for ($answer->answer) {
    exit 0 if $_->type eq 'A' && $_->address eq $expect || $_->type eq 'PTR' && $_->ptrdname eq $expect;
  }
  exit 1;
}
require DBI;
my ($password, $inside) = ('', 0);
open my $config, '<', '${CONFIG_PATH}' or exit 1;
while (<$config>) {
  $inside = $1 eq $section if /^virtual\s*=\s*(\S+)/;
  $password = $1 if $inside && /^\s+passwd\s*=\s*"(.*)"/;
}
my $base = DBI->connect("dbi:mysql:database=$database;host=$ip;port=$port", $user, $password, { PrintError => 0 }) or exit 1;
my $query = $base->prepare($request) or exit 1;
exit !($query->execute && $query->rows > 0);
`;

/** One real server of one entry of the table, and how it is asked. */
export interface Asked {
  readonly key: string;
  /** `10.77.0.21:80`. */
  readonly destination: string;
  /** The host's name. */
  readonly name: string;
  readonly quiescent: boolean;
  /** The arguments of ASK; `external`, command and its own; or `on`. */
  readonly check: readonly string[];
  /** Seconds. */
  readonly timeout: number;
}

const FUNCTIONS = new Script(String.raw`newline='
'
answer_of() {
  number=$1 seconds=$2
  shift 2
  case $1 in
    on) true ;;
    external) shift; timeout -k 1 "$seconds" "$@" ;;
    *) timeout -k 1 $((seconds + 2)) perl -e "$ask" "$@" ;;
  esac >/dev/null 2>&1 </dev/null && echo "$number passes" || echo "$number fails"
}
look_at() {
  number=$1 start=$2 quiescent=$3 name=$4 destination=$5
  shift 5
  case $table in
    *"$start"*)
      [ "$quiescent" = yes ] || return 0
      rest=${'$'}{table#*"$start"}
      case ${'$'}{rest%%"$newline"*} in *' -w 0') ;; *) return 0 ;; esac
      ;;
  esac
  for path in "${'$'}{destination%:*}" "$destination" "$name" "$name:${'$'}{destination##*:}"; do
    if [ -e "$maintenance/$path" ]; then echo "$number maintenance"; return 0; fi
  done
  answer_of "$number" "$@" &
}`);

/**
 * Defines `look_again`: for each server that `$table` (as ipvsadm prints it) lacks, or of a quiescent service lists with
 * weight 0, it prints `NUMBER WORD`, the word being passes, fails or maintenance. All are asked at the same time, and
 * nothing is run while all are listed.
 */
export function lookAgain(asked: readonly Asked[]): Script {
  return joinScripts([
    sh`ask=${ASK}
maintenance=${MAINTENANCE_PATH}`,
    FUNCTIONS,
    sh`look_again() {`,
    ...asked.map(
      ({ key, destination, name, quiescent, check, timeout }, number) =>
        sh`  look_at ${number} ${`-a ${key} -r ${destination} `} ${quiescent ? 'yes' : 'no'} ${name} ${destination} ${timeout} ${check}`,
    ),
    sh`  wait
}`,
  ]);
}

const WORDS: readonly Absence[] = ['passes', 'fails', 'maintenance'];

/** Reads what `look_again` printed: the word by the number. */
export function parseAnswers(text: string): ReadonlyMap<number, Absence> {
  const answers = new Map<number, Absence>();
  for (const [, number, said] of text.matchAll(/^(\d+) (\w+)$/gm)) {
    const word = WORDS.find((one) => one === said);
    if (word !== undefined) answers.set(Number(number), word);
  }
  return answers;
}
