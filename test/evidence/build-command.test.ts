import { describe, expect, test } from 'vitest';
import { buildCommand } from '#dimgx/evidence/build-command.js';

type Row = readonly [createdBy: string, line: string];

/** Texts as these builders wrote them, for the same Dockerfile where they can. */
const BUILDERS: Readonly<Record<string, readonly Row[]>> = {
  "Docker's classic builder": [
    ['/bin/sh -c #(nop)  CMD ["sh"]', 'CMD ["sh"]'],
    ['/bin/sh -c #(nop) ADD file:25c475833bc29455 in / ', 'ADD file:25c475833bc29455 in /'],
    ['/bin/sh -c apt-get update', 'RUN apt-get update'],
    ['/bin/sh -c set -eux; \tapt-get update; \tmake  a', 'RUN set -eux;  apt-get update;  make  a'],
    ['/bin/sh -c #(nop)  ENV PATH=/bin B=two words C=3', 'ENV PATH=/bin B=two words C=3'],
    ['/bin/sh -c #(nop) WORKDIR /w', 'WORKDIR /w'],
    ['/bin/sh -c #(nop)  ARG GREETING', 'ARG GREETING'],
    ['/bin/sh -c #(nop)  ONBUILD RUN echo x', 'ONBUILD RUN echo x'],
    ['/bin/sh -c #(nop)  EXPOSE 443/tcp 53/udp 80', 'EXPOSE 443/tcp 53/udp 80'],
    ['/bin/sh -c #(nop)  VOLUME [/data /more]', 'VOLUME /data /more'],
    ['/bin/sh -c #(nop)  VOLUME [/with space]', 'VOLUME [/with space]'],
    ['/bin/sh -e -u -c #(nop)  SHELL [/bin/sh -e -u -c]', 'SHELL ["/bin/sh", "-e", "-u", "-c"]'],
    ['/bin/sh -e -u -c #(nop)  CMD ["a" "b c"]', 'CMD ["a", "b c"]'],
    [
      '/bin/sh -e -u -c #(nop)  ENTRYPOINT ["/bin/sh" "-c" "echo \\"q\\" $0"]',
      'ENTRYPOINT ["/bin/sh", "-c", "echo \\"q\\" $0"]',
    ],
    ['|1 A=b /bin/sh -c make', 'RUN A=b make'],
    ['|2 A=default LAST=x /bin/sh -e -u -c make && make check', 'RUN A=default LAST=x make && make check'],
    ['|2 GREETING=hello world UNSET= /bin/sh -c make', "RUN GREETING='hello world' UNSET= make"],
    ['|1 A=b make all', 'RUN A=b make all'],
    ["/bin/sh -c echo 'a  b' '#(nop) CMD x' # buildkit", "RUN echo 'a  b' '#(nop) CMD x' # buildkit"],
    ['/bin/bash -o pipefail -c curl x | tar x', 'RUN curl x | tar x'],
    ['/bin/bash -euxo pipefail -c #(nop)  USER 0', 'USER 0'],
    ['bash -lc make', 'RUN make'],
    ['#(nop) CMD ["sh"]', 'CMD ["sh"]'],
  ],
  BuildKit: [
    ['CMD ["sh" "-c" "x"]', 'CMD ["sh", "-c", "x"]'],
    ['ENV PATH=/bin B=two words C=3', 'ENV PATH=/bin B=two words C=3'],
    ['COPY file other /dir/ # buildkit', 'COPY file other /dir/'],
    ['WORKDIR /w', 'WORKDIR /w'],
    ['EXPOSE map[443/tcp:{} 53/udp:{}]', 'EXPOSE 443/tcp 53/udp'],
    ['EXPOSE [443/tcp 53/udp]', 'EXPOSE 443/tcp 53/udp'],
    ['RUN /bin/sh -c apt-get update # buildkit', 'RUN apt-get update'],
    ['RUN /bin/sh -c echo x # buildkit # buildkit', 'RUN echo x # buildkit'],
    ['RUN |1 A=b /bin/sh -c make # buildkit', 'RUN A=b make'],
    ['RUN |1 A=b /bin/sh -c make', 'RUN A=b make'],
    [
      'RUN |4 A=default GREETING=hello world UNSET= LAST=x /bin/sh -c make # buildkit',
      "RUN A=default GREETING='hello world' UNSET= LAST=x make",
    ],
    ["RUN |1 A=it's $HOME /bin/sh -c make # buildkit", "RUN A='it'\\''s $HOME' make"],
    // Which of five is no build argument cannot be told.
    ['RUN |4 A= B=b C= LAST=a B=c /bin/sh -c make # buildkit', 'RUN A= B=b C= LAST=a B=c make'],
    ['RUN /bin/sh -c cat <<EOF > /x\nhello\nEOF # buildkit', 'RUN cat <<EOF > /x\nhello\nEOF'],
    ['RUN make all # buildkit', 'RUN make all'],
  ],
  'Podman and buildah': [
    ['/bin/sh -c #(nop) CMD ["a", "b c"]', 'CMD ["a", "b c"]'],
    ['/bin/sh -c #(nop) ENTRYPOINT ["x","y"]', 'ENTRYPOINT ["x","y"]'],
    ['/bin/sh -c #(nop) VOLUME ["/with space"]', 'VOLUME ["/with space"]'],
    ['/bin/sh -c #(nop) SHELL ["/bin/sh", "-c"]', 'SHELL ["/bin/sh", "-c"]'],
    ['/bin/sh -c ["/bin/busybox", "rm", "/x"]', 'RUN ["/bin/busybox", "rm", "/x"]'],
    // They count the words of the values, too.
    ['|3 A=b GREETING=hello world /bin/sh -c make', 'RUN A=b GREETING=hello world make'],
    ['/bin/sh -c /bin/sh -c echo x > /y', 'RUN /bin/sh -c echo x > /y'],
    ['/bin/sh', '/bin/sh'],
  ],
  'Windows builders': [
    ['cmd /S /C #(nop) COPY file:5d663ccb in C: ', 'COPY file:5d663ccb in C:'],
    ['cmd /S /C #(nop)  CMD ["cmd" "/C" "type C:\\\\hello.txt"]', 'CMD ["cmd", "/C", "type C:\\\\hello.txt"]'],
    ['cmd /S /C echo hi', 'RUN echo hi'],
    ['RUN cmd /S /C echo hi # buildkit', 'RUN echo hi'],
    ['C:\\Windows\\System32\\cmd.exe /S /C echo hi', 'RUN echo hi'],
    ['powershell -Command Install-WindowsFeature X', 'RUN Install-WindowsFeature X'],
    ['pwsh -NoProfile -ExecutionPolicy Bypass -Command x', 'RUN x'],
    [
      "powershell -Command $ErrorActionPreference = 'Stop'; $ProgressPreference = 'SilentlyContinue'; #(nop)  ENV A=b",
      'ENV A=b',
    ],
    ["powershell -Command $ErrorActionPreference = 'Stop'; make", "RUN $ErrorActionPreference = 'Stop'; make"],
    ["powershell -Command echo '; #(nop) CMD x'", "RUN echo '; #(nop) CMD x'"],
    ['Apply image 10.0.14393.0', 'Apply image 10.0.14393.0'],
  ],
};

describe.each(Object.entries(BUILDERS))('%s', (_, rows) => {
  test.each(rows)('%s', (createdBy, line) => {
    expect(buildCommand(createdBy)).toBe(line);
  });
});

describe('a health check', () => {
  test.each([
    [
      `["CMD-SHELL" "echo \\"ok\\" || exit 1"] "30s" "0s" "0s" '\\x03'`,
      '--interval=30s --retries=3 CMD echo "ok" || exit 1',
    ],
    [
      `["CMD" "curl" "a b"] "5m0s" "3s" "1m0s" '\\x00'`,
      '--interval=5m0s --timeout=3s --start-period=1m0s CMD ["curl", "a b"]',
    ],
    [`["CMD-SHELL" "x"] "0s" "0s" "0s" "5s" '\\n'`, '--start-interval=5s --retries=10 CMD x'],
    [`["CMD-SHELL" "x"] "0s" "0s" "0s" '!'`, '--retries=33 CMD x'],
    [`["NONE"] "0s" "0s" "0s" '\\x00'`, 'NONE'],
  ])('%s', (printed, line) => {
    expect(buildCommand(`/bin/sh -c #(nop)  HEALTHCHECK &{${printed}}`)).toBe(`HEALTHCHECK ${line}`);
    expect(buildCommand(`HEALTHCHECK &{${printed}}`)).toBe(`HEALTHCHECK ${line}`);
  });

  test.each([
    '--interval=30s CMD echo "ok" || exit 1',
    'NONE',
    '&{["CMD-SHELL" "x"] "0s" "0s"}',
    '&{["CMD-SHELL" "x]}',
    '&{[] "0s" "0s" "0s" \'\\x00\'}',
    '&{["OTHER" "x"] "0s" "0s" "0s" \'\\x00\'}',
  ])('that is written otherwise stays as it is: %s', (text) => {
    expect(buildCommand(`HEALTHCHECK ${text}`)).toBe(`HEALTHCHECK ${text}`);
  });
});

test.each([
  'bazel build ...',
  'ko build ko://example.com/cmd',
  'jib-maven-plugin:3.3.1',
  'nix-store: /nix/store/abc-hello',
  'umoci raw add-layer',
  "# debian.sh --arch 'amd64' out/ 'bookworm'",
  '-c echo hi > /x',
  'RUN apk add curl',
  "RUN /bin/sh -c 'make all'",
  'COPY a b',
  'Application Layer',
  'CMD ["a" b]',
  'EXPOSE &{[{{103 0} {103 0}}] <nil>}',
  'SHELL [powershell -Command $A = 1;]',
  '|x A=b make',
  '',
])('a text of other builders stays as it is: %s', (text) => {
  expect(buildCommand(text)).toBe(text);
});

test('a step without a text has no command', () => {
  expect(buildCommand(undefined)).toBe('');
});

test('strings with characters that only Go escapes are written in JSON', () => {
  expect(buildCommand('CMD ["\\a\\v\\x1b" "\\u00e9\\U0001f600" "\\""]')).toBe(
    'CMD ["\\u0007\\u000b\\u001b", "é😀", "\\""]',
  );
  expect(buildCommand('CMD ["\\xff"]')).toBe('CMD ["\\xff"]');
});

test.each([
  ['a shell without an end', `|9 ${'sh -a '.repeat(500_000)}`],
  ['shells in folders', `|1 A=${'/sh'.repeat(500_000)}`],
  ['build arguments', `RUN |9 ${'A=b '.repeat(500_000)}/bin/sh -c x`],
  ['strings', `CMD [${'"a" '.repeat(500_000)}]`],
  ['a long string', `CMD ["${'\\\\'.repeat(1_000_000)}"]`],
  ['a string without an end', `CMD ["${'\\"'.repeat(1_000_000)}]`],
  ['preferences', `powershell -Command ${"$a = 'b'; ".repeat(300_000)}x`],
  ['an option', `|1 A=b sh -${'a'.repeat(1_000_000)} ${'b'.repeat(1_000_000)} -${'a'.repeat(1_000_000)}`],
  ['blanks', `/bin/sh -c ${' '.repeat(2_000_000)}#(nop)`],
  ['blanks within', `RUN a${' '.repeat(2_000_000)}b # buildkit`],
  ['volumes', `VOLUME [${'/a '.repeat(500_000)}x`],
])('megabytes of %s do no harm', (_, text) => {
  expect(buildCommand(text).length).toBeLessThanOrEqual(text.length * 2);
});
