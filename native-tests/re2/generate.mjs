// Writes one JSON array a line: [expression, texts that RE2 matches whole, texts that it does not], or [expression, null] where RE2 refuses it.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { RE2 } = createRequire(import.meta.url)('re2-wasm');

const written = String.raw`
/api/v1/products/\d+|a|b|ab?|a*|a+|a??|a*?|a+?|a{2}|a{2,}|a{2,3}|a{2,3}?|a{0}|a{,3}|a{|a{x}|a{1001}|a{1000}|(a{100}){11}|((a{10}){10}){10}|((a{10}){10}){11}|a{3,2}|a{01}
(a|b)*c|(?:ab)+|(|a)+b|()|(a||b)|a**|a*+|a+*|a??*|a{2}{3}|*a|+|?|(*a)|(?:*)|x|^*|$*|\b*|(?:^)*a|^^a$$|a\b|\ba|\Ba|a\B|\Aa\z|a\Z|\Ga|\Ka
[abc]|[^abc]|[a-c]+|[c-a]|[]a]+|[^]a]+|[a-]|[-a]|[a-\d]|[\d-a]|[\w.]+|[^\w.]+|[\s]|[\S]+|[\D]+|[\W]|[[:alpha:]]+|[[:^alpha:]]+|[[:word:]]|[[:foo:]]|[[.a.]]|[[=a=]]|[[a]|[a|[|[]|[^]|[\b]|[\n]|[\x41-\x43]|[\x{41}]|[a\]b]|[\Qa\E]|[é]|[^é]|[à-ü]+|[[:^ascii:]]|[\pL]|[^\pL]|[\p{Greek}x]
\d|\D|\s|\S|\w|\W|\pN|\pL+|\PL|\p{Lu}|\P{Lu}|\p{^Lu}|\p{Greek}+|\p{Foo}|\p{|\p|\pX|\p{Any}|\a|\f|\t|\n|\r|\v|\e|\0|\07|\1|\12|\123|\8|\x41|\x4|\x{41}|\x{110000}|\x{}|\x{e9}|\_|\-|\/|\"|\ |\h|\R|\X|\c|\C|é|\é|é+|é{2}|(?i)é|(?i)straße
\Qa.b\E|\Qa.b\E+|\Qa.b|\E|\Q\E|\Q\Ea|a\Q*\E*
(?i)ABC|(?i:A)b|(?-i)a|(?i)a(?-i)b|(a(?i)b|c)d|(?s).|.|(?s:.)+|.+|(?m)^a$|(?m:^)a|(?U)a+|(?U)a+?|(?i|(?i)|(?)|(?-)|(?i-)|(?-i:a)|(?i-s:a.)|(?x)a b|(?is)a.|(?ii)a|(?i)*|a(?i)*|(?z)a
(?P<name>a)b|(?<name>a)b|(?P<a>x)(?P<a>y)|(?P<>x)|(?P<n|(?P=n)|(?P>n)|(?P<1>a)|(?P<a-b>a)|(?=a)|(?!a)|(?<=a)b|(?<!a)b|(?>a)|(?#c)a|(?|a|b)|\1(a)|(a)\1|\k<n>|\g1|(
)|a)|(a|(a))|\|a\|x.y|.|..|a.c|a..c|.{2}|.{2,3}|[^/]|[^/]{2}|/[^/]+/x|.*|.*?jason.*?|^/exact$|a$b|a^b|(a$)|(^a)|a\\b|^(.*?;)?(user=jason)(;.*)?$
`;

// An expression may hold bars, so they are listed by hand where the split would cut them.
const barred = ['a|b', '|', '|a', 'a|', '(a|b)*c', '(|a)+b', '(a||b)', 'a|*', '(a(?i)b|c)d', '(?|a|b)', '[a|b]+', '(?i)a|b', '^a|b$', '(?m)^a|^b', '(a|ab)(c|bcd)(d*)', 'a|b|', '(?:|)+', '\\Qa|b\\E'];

const texts = ['', 'a', 'b', 'c', 'ab', 'abc', 'aa', 'aaa', 'aaaa', 'A', 'Ab', 'ABC', 'aB', 'd', 'bd', 'Bd', 'cd', 'Cd', 'a.b', 'a.bb', 'axb', 'a\nb', '\n', 'a\n', '\na', 'x', 'xy', 'a b', ' ', '\t', '\v', '\f',
  '0', '12', '_', '-', '.', ']', ']a]', '[', '^', '{', 'a{', 'a{x}', 'a{,3}', 'a{01}', '\\', 'a\\b', '"', '/', '/exact', '/api/v1/products/12', '/api/v1/products/12/x', '/ab/x', '//x', 'x jason y',
  'user=jason', 'x=1;user=jason;y=2', 'é', 'éé', 'É', 'xé', 'aéc', 'aééc', 'straße', 'STRASSE', 'αβ', 'Ω', '中', '𝒳', 'a𝒳c', 'S', '\x07', '\0', 'b*', 'a*', 'a**', 'a-b', '|', 'a|b', 'n', 'abcd', 'abab'];

let state = 20231104;
const random = (n) => { state = (Math.imul(state, 1103515245) + 12345) >>> 0; return (state >>> 8) % n; };
const pick = (list) => list[random(list.length)];
const atoms = ['a', 'b', 'c', '.', '\\d', '\\w', '\\s', '[ab]', '[^a]', '[^/]', '[b-d]', '\\.', '/', 'é', '\\b', '^', '$', '(?i)', '(?s)', '(?-i)', '\\x61', '[[:alpha:]]', '\\W', '[^\\w]', '\\pL', '\\Qa.\\E', '(?m)', 'A', '{', '}', ']', '-'];
const repeats = ['', '', '', '', '*', '+', '?', '*?', '+?', '??', '{2}', '{1,2}', '{0,1}?', '{2,}', '**', '{,2}'];
function expression(depth) {
  let out = '';
  for (let i = 1 + random(3); i > 0; i--) {
    const kind = random(10);
    let atom = pick(atoms);
    if (kind < 2 && depth > 0) atom = `${pick(['(', '(?:', '(?i:', '(?P<n' + random(1000) + '>', '(?s:', '(?m:', '(?U:'])}${expression(depth - 1)})`;
    else if (kind === 2 && depth > 0) atom = `${expression(depth - 1)}|`;
    out += atom + pick(repeats);
  }
  return out;
}
const alphabet = ['a', 'b', 'c', 'd', 'A', 'B', '/', '.', '1', ' ', '\n', 'é', '-', '_', '{', 'a', 'b', 'a'];
const word = () => Array.from({ length: random(5) }, () => pick(alphabet)).join('');

// RE2's own word. Its memory is never given back, so a process takes a slice of the expressions.
function verdict([re2, candidates]) {
  try {
    new RE2(re2, 'u');
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return [re2, null];
  }
  // A quotation that is never closed would swallow the end.
  const whole = new RE2(`\\A(?:${re2}${/\\Q(?!.*\\E)/s.test(re2) ? '\\E' : ''})\\z`, 'u');
  const yes = [], no = [];
  for (const text of candidates) (whole.test(text) ? yes : no).push(text);
  return [re2, yes, no];
}

if (process.argv[2] === 'slice') {
  for (const item of JSON.parse(readFileSync(0, 'utf8'))) console.log(JSON.stringify(verdict(item)));
} else {
  const items = new Map();
  // The library rewrites JavaScript's own escapes before RE2 sees them; those say nothing of RE2.
  const add = (re2, candidates) => { if (!/\\[cuk]|\(\?</.test(re2) && !items.has(re2)) items.set(re2, candidates); };
  for (const line of written.trim().split('\n')) for (const re2 of line.split('|')) add(re2, texts);
  for (const re2 of barred) add(re2, texts);
  for (let i = 0; i < 3000; i++) add(expression(2), [...new Set(Array.from({ length: 12 }, word))]);
  const all = [...items];
  for (let i = 0; i < all.length; i += 50) {
    process.stdout.write(execFileSync(process.execPath, [process.argv[1], 'slice'], { input: JSON.stringify(all.slice(i, i + 50)) }));
  }
}
