/** Lists of URLs: what is read, what is refused and where, and that time grows with length only. */
import { expect } from 'chai';
import fc from 'fast-check';
import { SluiceError } from '../../../src/errors.js';
import {
  MAX_INPUT_LINE,
  MAX_INPUT_MIRRORS,
  MAX_INPUT_OPTIONS,
  parseInputList,
} from '../../../src/formats/input-list.js';
import type { InputList } from '../../../src/formats/input-list.js';
import { Pace } from '../../../src/formats/pace.js';

const pace = (): Pace => new Pace(new AbortController().signal);
const read = (...pieces: string[]): Promise<InputList> =>
  parseInputList(pieces, 'the list', pace());

async function refused(text: string, message: RegExp): Promise<void> {
  const error = await read(text).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).instanceOf(SluiceError).include({ code: 'INPUT_LIST_INVALID', exitStatus: 2 });
  expect(error).property('message').match(message);
  expect((error as SluiceError).details.next, 'a next step').to.be.a('string');
}

const URL_A = 'https://a.example/1';
const URL_B = 'https://b.example/1?x=%09';

describe('formats/input-list', () => {
  it('reads URLs, mirrors, comments and options, with their lines', async () => {
    const text = [
      '\ufeff# a list',
      '',
      `${URL_A}\t${URL_B}\t`,
      '  out = a file',
      '  # not an option',
      '\theader=X: a=b',
      '  max-tries=3',
      '  max-tries=4',
      `${URL_B} `,
    ].join('\n');
    expect(await read(text)).deep.equal({
      entries: [
        {
          line: 3,
          urls: [URL_A, URL_B],
          options: [
            { name: 'out', value: 'a file', line: 4 },
            { name: 'header', value: 'X: a=b', line: 6 },
          ],
        },
        { line: 9, urls: [URL_B], options: [] },
      ],
      passedOver: [{ name: 'max-tries', line: 7 }],
    });
  });

  it('takes references to hubs and stores, as files and as mirrors', async () => {
    const { entries } = await read(
      `hf://owner/repo@v1/a b.bin\ts3://bucket/key\n${URL_A}\taz://a/b/c`,
    );
    expect(entries.map(({ urls }) => urls)).deep.equal([
      ['hf://owner/repo@v1/a b.bin', 's3://bucket/key'],
      [URL_A, 'az://a/b/c'],
    ]);
  });

  it('is the same wherever the text is cut, and with either end of line', () => {
    const text = `# c\n${URL_A}\t${URL_B}\n out=x\n\n${URL_B}\n split=2\n`;
    return fc.assert(
      fc.asyncProperty(fc.array(fc.nat(text.length)), fc.boolean(), async (cuts, isCrLf) => {
        const whole = isCrLf ? text.replaceAll('\n', '\r\n') : text;
        const at = [0, ...cuts.sort((a, b) => a - b), whole.length];
        const pieces = at.slice(1).map((end, i) => whole.slice(at[i], end));
        expect(await read(...pieces)).deep.equal(await read(text));
      }),
    );
  });

  it('names the line of what is wrong', async () => {
    await refused(`${URL_A}\n\nftp://a/b\n`, /^the list, line 3: the scheme ftp is not supported/);
    await refused(`${URL_A}\tb.example/x\n`, /line 1: the URL has no scheme/);
    await refused(' out=x\n', /line 1: an option stands before the first URL/);
    await refused(`${URL_A}\n =x\n`, /line 2: it is indented, and no option/);
    await refused(`${URL_A}\n${URL_A}\0\n`, /line 2: it is no text/);
    await refused('\n# nothing\n', /names no file/);
  });

  it('tells no secret of a line that is refused', async () => {
    const error = await read('user:secret@host/x?key=secret\n').catch((thrown: unknown) => thrown);
    const { message, details } = error as SluiceError;
    expect(`${message} ${details.next ?? ''}`).not.to.include('secret');
  });

  it('bounds lines, mirrors and options', async () => {
    const long = 'x'.repeat(MAX_INPUT_LINE + 1);
    await refused(`${URL_A}\n#${long}`, /line 2: it is longer than/);
    await refused(`${`${URL_A}\t`.repeat(MAX_INPUT_MIRRORS + 1)}\n`, /line 1: .*mirrors/);
    const options = ' out=x\n'.repeat(MAX_INPUT_OPTIONS + 1);
    await refused(`${URL_A}\n${options}`, new RegExp(`line ${MAX_INPUT_OPTIONS + 2}: .*options`));
    const unknown = Array.from({ length: 5000 }, (_, i) => ` o${i}=x\n`).join('');
    expect((await read(`${URL_A}\n${unknown}`)).passedOver).to.have.length(20);
  });

  it('P26: takes a time that grows with its length only, and can be called off', async () => {
    const timed = async (count: number): Promise<number> => {
      const text = `${URL_A}\n out=x\n # c\n`.repeat(count);
      const began = process.cpuUsage().user;
      await read(...(text.match(/.{1,65536}/gs) ?? []));
      return process.cpuUsage().user - began;
    };
    await timed(5000);
    const short = await timed(10_000);
    const long = await timed(80_000);
    expect(long / short).below(24);
    const stop = new AbortController();
    const text = `${URL_A}\n`.repeat(90_000);
    const reading = parseInputList([text], 'the list', new Pace(stop.signal));
    stop.abort(new SluiceError('INTERRUPTED', 'stopped'));
    const error = await reading.catch((thrown: unknown) => thrown);
    expect(error).include({ code: 'INTERRUPTED' });
  });
});
