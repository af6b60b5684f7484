import { describe, expect, it } from 'vitest'
import { Altered } from '../../testing/checkpoints/altered.ts'
import { sinkInMemory, type FileTree } from '../pack/bytes.ts'
import { convertCheckpoint } from './convert.ts'
import { inspectCheckpoint } from './inspect.ts'

const WEIGHTS = 'model.safetensors'
const SHARDED = 'models/reference/long-sharded'
const POINTER = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 9963232904\n'
const XET_POINTER = "# xet version 0\nfilesize = 9963232904\nhash = '4d7a21'\n"

/** Whether offered or converted, it is said in the same words; nothing is written. */
async function refusal(altered: Altered): Promise<{ code: string; message: string }> {
  const written = new Map<string, Uint8Array<ArrayBuffer>>()
  const options = { precision: 'q8', name: 'x' } as const
  const converted = await convertCheckpoint(altered.tree, sinkInMemory(written), options).catch(failure)
  const offered = await inspectCheckpoint(altered.tree, 'q8').catch(failure)
  expect(written.size).toBe(0)
  if (!('code' in converted)) throw new Error('It was converted.')
  expect(offered).toEqual(converted)
  return converted
}

function failure(error: unknown): { code: string; message: string } {
  const { code, message } = error as { code?: unknown; message: string }
  return { code: String(code), message }
}

function renamed(to: string, from = WEIGHTS): Altered {
  return new Altered().rename(from, to)
}

/** With an entry more in the header of the weights, which has no bytes. */
function withTensor(name: string, dtype: string, shape: number[]): Altered {
  return new Altered().header(WEIGHTS, (entries) => ({
    ...entries,
    [name]: { dtype, shape, data_offsets: [0, 0] },
  }))
}

function withConfig(change: object, section?: string): Altered {
  return new Altered().json('config.json', (json) => {
    Object.assign(section === undefined ? json : (json[section] as object), change)
  })
}

describe('a folder of another kind', () => {
  it.each<[string, () => Altered, string, RegExp]>([
    [
      'weights that are a pointer',
      () => new Altered().write(WEIGHTS, POINTER),
      'bad-checkpoint',
      /^model\.safetensors is only a pointer of Git LFS.*git lfs pull/,
    ],
    [
      'a shard that is a pointer',
      () => new Altered(SHARDED).write('model-00002-of-00003.safetensors', POINTER),
      'bad-checkpoint',
      /^model-00002-of-00003\.safetensors is only a pointer/,
    ],
    [
      'an index that is a pointer',
      () => new Altered(SHARDED).write('model.safetensors.index.json', POINTER),
      'bad-checkpoint',
      /^model\.safetensors\.index\.json is only a pointer/,
    ],
    [
      'a configuration that is a pointer',
      () => new Altered().write('config.json', POINTER),
      'bad-checkpoint',
      /^config\.json is only a pointer/,
    ],
    [
      'a tokenizer that is a pointer',
      () => new Altered().write('tokenizer.json', POINTER),
      'bad-checkpoint',
      /^tokenizer\.json is only a pointer/,
    ],
    ['a pointer of Xet', () => new Altered().write(WEIGHTS, XET_POINTER), 'bad-checkpoint', /git lfs pull/],
    [
      'a pointer with the line ends of Windows',
      () => new Altered().write(WEIGHTS, POINTER.replaceAll('\n', '\r\n')),
      'bad-checkpoint',
      /git lfs pull/,
    ],
    [
      'GGUF beside weights without their configuration',
      () => new Altered().write('blip2-q4_k_m.gguf', 'GGUF').remove('config.json'),
      'unsupported-model',
      /^blip2-q4_k_m\.gguf is GGUF/,
    ],
    [
      'an adapter alone',
      () =>
        renamed('adapter_model.safetensors')
          .write('adapter_config.json', '{"peft_type":"LORA"}')
          .remove('config.json'),
      'unsupported-model',
      /adapter.*merge it/,
    ],
    [
      'an adapter with the configuration of its base',
      () => renamed('adapter_model.safetensors'),
      'unsupported-model',
      /merge it/,
    ],
    [
      'an adapter beside the weights',
      () => new Altered().write('adapter_config.json', '{}'),
      'unsupported-model',
      /adapter_config\.json.*merge it/,
    ],
    [
      'tensors of LoRA',
      () =>
        new Altered().renameTensors(WEIGHTS, (name) =>
          name.replace(
            'qformer.encoder.layer.0.attention.attention.query.bias',
            'qformer.encoder.layer.0.attention.attention.query.lora_A.default.weight',
          ),
        ),
      'unsupported-model',
      /lora_A.*merge it/,
    ],
    [
      'a wrapped layer of peft',
      () =>
        new Altered().renameTensors(WEIGHTS, (name) =>
          name.replace('.attention.query.', '.attention.query.base_layer.'),
        ),
      'unsupported-model',
      /base_layer.*merge it/,
    ],
    [
      'a whole model with the prefix of peft',
      () => new Altered().renameTensors(WEIGHTS, (name) => `base_model.model.${name}`),
      'unsupported-model',
      /base_model.*merge it/,
    ],
    [
      'a wrapper around some tensors only',
      () =>
        new Altered().renameTensors(WEIGHTS, (name) =>
          name.startsWith('qformer') ? `module.${name}` : name,
        ),
      'bad-checkpoint',
      /lacks/,
    ],
    [
      'a download beside an older one',
      () => renamed('model (1).safetensors'),
      'bad-checkpoint',
      /model \(1\)\.safetensors; give it the name/,
    ],
    ['a copy', () => renamed('model copy.safetensors'), 'bad-checkpoint', /give it the name/],
    [
      'a variant',
      () => renamed('model.fp16.safetensors'),
      'bad-checkpoint',
      /a variant of it, model\.fp16\.safetensors/,
    ],
    [
      'shards without an index',
      () => new Altered(SHARDED).remove('model.safetensors.index.json'),
      'bad-checkpoint',
      /shards \(model-00001-of-00003\.safetensors\) without their index/,
    ],
    ['a pickle', () => renamed('pytorch_model.bin'), 'bad-checkpoint', /pickle/],
    ['pickled shards', () => renamed('pytorch_model-00001-of-00002.bin'), 'bad-checkpoint', /pickle/],
    ['GGUF', () => renamed('blip2-q4_k_m.gguf'), 'unsupported-model', /GGUF/],
    [
      'GGUF without a configuration',
      () => renamed('blip2-q4_k_m.gguf').remove('config.json'),
      'unsupported-model',
      /GGUF/,
    ],
    ['weights of TensorFlow', () => renamed('tf_model.h5'), 'unsupported-model', /another program/],
    ['weights of Flax', () => renamed('flax_model.msgpack'), 'unsupported-model', /another program/],
    [
      'weights under another name',
      () => renamed('blip2.safetensors'),
      'bad-checkpoint',
      /only blip2\.safetensors; give the weights the name/,
    ],
    ['nothing', () => new Altered().remove(WEIGHTS), 'not-found', /neither model\.safetensors nor/],
    [
      'an index that names an absent shard',
      () => new Altered(SHARDED).remove('model-00003-of-00003.safetensors'),
      'bad-checkpoint',
      /lists model-00003-of-00003\.safetensors, which is not there/,
    ],
    [
      'shards of two downloads',
      () =>
        new Altered(SHARDED)
          .rename('model-00003-of-00003.safetensors', 'x')
          .write(
            'model-00003-of-00003.safetensors',
            new Altered(SHARDED).bytes('model-00002-of-00003.safetensors'),
          ),
      'bad-checkpoint',
      /is in both model-0000[12]-of-00003\.safetensors and|download/,
    ],
    [
      'bitsandbytes in 4 bits',
      () => withConfig({ quantization_config: { quant_method: 'bitsandbytes', load_in_4bit: true } }),
      'unsupported-model',
      /bitsandbytes, 4 bits/,
    ],
    [
      'bitsandbytes in 8 bits',
      () => withConfig({ quantization_config: { quant_method: 'bitsandbytes', load_in_8bit: true } }),
      'unsupported-model',
      /bitsandbytes, 8 bits/,
    ],
    [
      'GPTQ of the language model',
      () => withConfig({ quantization_config: { quant_method: 'gptq', bits: 4 } }, 'text_config'),
      'unsupported-model',
      /GPTQ, 4 bits/,
    ],
    [
      'AWQ',
      () => withConfig({ quantization_config: { quant_method: 'awq', bits: 4 } }),
      'unsupported-model',
      /AWQ, 4 bits/,
    ],
    [
      'a method that nobody knows',
      () => withConfig({ quantization_config: { quant_method: 'new' } }),
      'unsupported-model',
      /quantised already \("new"\)/,
    ],
    [
      'a web page',
      () => new Altered().write(WEIGHTS, '<!DOCTYPE html><html>'),
      'bad-checkpoint',
      /is a web page/,
    ],
    [
      'what a server said',
      () => new Altered().write(WEIGHTS, '{"error":"Repository not found"}'),
      'bad-checkpoint',
      /^model\.safetensors is text/,
    ],
    [
      'a ZIP file under the name of weights',
      () => new Altered().write(WEIGHTS, `PK\u0003\u0004${'x'.repeat(100)}`),
      'bad-checkpoint',
      /is compressed/,
    ],
    [
      'a gzip file under the name of weights',
      () => new Altered().write(WEIGHTS, Uint8Array.of(0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5).buffer),
      'bad-checkpoint',
      /is compressed/,
    ],
    ['a download of Chromium', () => renamed(`${WEIGHTS}.crdownload`), 'bad-checkpoint', /not finished/],
    ['a download of Firefox', () => renamed(`${WEIGHTS}.part`), 'bad-checkpoint', /not finished/],
    ['an archive', () => renamed('blip2-opt-2.7b.zip'), 'bad-checkpoint', /is packed; unpack it/],
    ['weights that are packed', () => renamed(`${WEIGHTS}.gz`), 'bad-checkpoint', /is packed; unpack it/],
    ...['qweight', 'weight.absmax', 'SCB', 'weight_scale_inv', 'weight_packed'].map(
      (tensor): [string, () => Altered, string, RegExp] => [
        `weights with ${tensor} and nothing about it in the configuration`,
        () => withTensor(`language_model.model.decoder.layers.0.fc1.${tensor}`, 'U8', [0]),
        'unsupported-model',
        /quantised already \("language_model/,
      ],
    ),
    [
      'bytes where weights should be',
      () =>
        new Altered().header(WEIGHTS, (entries) => ({
          ...entries,
          query_tokens: { ...(entries['query_tokens'] as object), dtype: 'I32' },
        })),
      'unsupported-model',
      /query_tokens is stored as I32/,
    ],
  ])('%s is named, whether offered or converted', async (_, make, code, message) => {
    const refused = await refusal(make())
    expect(refused.message).toMatch(message)
    expect(refused.code).toBe(code)
    expect(refused.message.match(/[.;:] |[^.]$/g)?.length ?? 0).toBeLessThan(4)
  })

  it.each<[string, object, RegExp]>([
    [
      'Blip2VisionModel',
      { architectures: ['Blip2VisionModel'], model_type: 'blip_2_vision_model' },
      /the vision encoder of a BLIP-2 alone/,
    ],
    [
      'Blip2QFormerModel',
      { architectures: ['Blip2QFormerModel'], model_type: 'blip_2_qformer' },
      /the Q-Former of a BLIP-2 alone/,
    ],
    ['retrieval', { architectures: ['Blip2ForImageTextRetrieval'] }, /its Q-Former reads no text/],
    [
      'InstructBLIP',
      { architectures: ['InstructBlipForConditionalGeneration'], model_type: 'instructblip' },
      /whose Q-Former reads the question/,
    ],
    ['BLIP', { architectures: ['BlipForConditionalGeneration'], model_type: 'blip' }, /the first BLIP/],
    ['OPT', { architectures: ['OPTForCausalLM'], model_type: 'opt' }, /sees no pictures/],
    [
      'another',
      { architectures: ['LlavaForConditionalGeneration'], model_type: 'llava' },
      /it is LlavaForConditionalGeneration, not a whole BLIP-2/,
    ],
    ['none', { architectures: null, model_type: null }, /no stated kind/],
    ['an object', { architectures: [{}], model_type: [] }, /it is an object/],
  ])('%s is called what it is', async (_, change, message) => {
    const refused = await refusal(withConfig(change))
    expect(refused).toMatchObject({
      code: 'unsupported-model',
      message: expect.stringMatching(message) as string,
    })
  })

  it('with a part missing, whatever it calls itself, is told which', async () => {
    const altered = withConfig({ architectures: ['Blip2Model'] }).renameTensors(WEIGHTS, (name) =>
      name.replace(/^language_projection\./, 'projection.'),
    )
    expect((await refusal(altered)).message).toMatch(/lacks language_projection\.weight/)
  })
})

describe('a hostile side file', () => {
  const deep = '['.repeat(1e5)
  it.each<[string, (altered: Altered) => Altered]>([
    [
      'a configuration that is no text',
      (a) => a.write('config.json', Uint8Array.of(0x7b, 0xff, 0xfe).buffer),
    ],
    ['a configuration of 100 MB', (a) => a.write('config.json', new ArrayBuffer(1e8))],
    ['a configuration without end', (a) => a.write('config.json', `{"a":${deep}`)],
    [
      'a configuration nested a hundred thousand deep',
      (a) => a.write('config.json', `{"a":${deep}${']'.repeat(1e5)}}`),
    ],
    [
      'no number',
      (a) =>
        a.write(
          'config.json',
          a.text('config.json').replace('"num_query_tokens": 8', '"num_query_tokens": NaN'),
        ),
    ],
    [
      'an endless number',
      (a) =>
        a.write(
          'config.json',
          a.text('config.json').replace('"num_query_tokens": 8', '"num_query_tokens": 1e400'),
        ),
    ],
    [
      'a long text for a number',
      (a) => a.json('config.json', (json) => (json['num_query_tokens'] = 'x'.repeat(1e6))),
    ],
    ['a processor that is no text', (a) => a.write('preprocessor_config.json', Uint8Array.of(0xff).buffer)],
    [
      'a processor nested deep',
      (a) => a.write('preprocessor_config.json', `{"size":${deep}${']'.repeat(1e5)}}`),
    ],
    ['an endless mean', (a) => a.write('preprocessor_config.json', '{"image_mean":[1e400,0,0]}')],
    ['a tokenizer without a model', (a) => a.write('tokenizer.json', '{"added_tokens":[]}')],
    [
      'a tokenizer nested deep',
      (a) => a.write('tokenizer.json', `{"model":{"vocab":${deep}${']'.repeat(1e5)}}}`),
    ],
    [
      'two tokens of one id',
      (a) =>
        a.json('tokenizer.json', (json) =>
          Object.assign((json['model'] as { vocab: object }).vocab, { new: 5 }),
        ),
    ],
    [
      'an id without end',
      (a) =>
        a.json('tokenizer.json', (json) =>
          Object.assign((json['model'] as { vocab: object }).vocab, { new: 2 ** 40 }),
        ),
    ],
    ['a configuration of the tokenizer that is a list', (a) => a.write('tokenizer_config.json', '[]')],
    ['a map of special tokens that is a text', (a) => a.write('special_tokens_map.json', '"x"')],
    [
      'added tokens without ids',
      (a) =>
        a
          .json('tokenizer_config.json', (json) => delete json['added_tokens_decoder'])
          .write('added_tokens.json', '{"x":"y"}'),
    ],
  ])('(%s) is refused in one short sentence', async (name, change) => {
    const { code, message } = await refusal(change(new Altered()))
    if (/deep/.test(name)) expect(message).toMatch(/is nested too deeply/)
    expect(code).toMatch(/^(bad-checkpoint|unsupported-model)$/)
    expect(message.length).toBeLessThan(300)
  })
})

describe('a folder of the same model', () => {
  const name = 'x'
  const fingerprint = async (altered: Altered): Promise<string> =>
    (await convertCheckpoint(altered.tree, sinkInMemory(new Map()), { precision: 'q8', name })).fingerprint
  const hashes = async (altered: Altered): Promise<string[]> =>
    (await convertCheckpoint(altered.tree, sinkInMemory(new Map()), { precision: 'q8', name })).files.flatMap(
      ({ chunks }) => chunks.map(({ sha256 }) => sha256),
    )

  it.each<[string, (name: string) => string]>([
    ['DistributedDataParallel', (tensor) => `module.${tensor}`],
    ['torch.compile', (tensor) => `_orig_mod.${tensor}`],
    ['both', (tensor) => `module._orig_mod.${tensor}`],
  ])('saved through %s makes the same weights', async (_, to) => {
    expect(await hashes(new Altered().renameTensors(WEIGHTS, to))).toEqual(await hashes(new Altered()))
  })

  it.each(['preprocessor_config.json', 'processor_config.json'])(
    'says that %s asks for another size',
    async (file) => {
      const altered = new Altered().json(file, (json) => {
        const processor = file.startsWith('pre') ? json : (json['image_processor'] ??= {})
        Object.assign(processor, { size: { height: 42, width: 42 } })
      })
      const { checks } = await convertCheckpoint(altered.tree, sinkInMemory(new Map()), {
        precision: 'q8',
        name,
      })
      expect(checks.find((check) => check.name === 'image size')).toMatchObject({
        ok: false,
        detail: expect.stringMatching(new RegExp(`; ${file} says 42, which is ignored$`)) as string,
      })
    },
  )

  it('says that its processor counts on other queries', async () => {
    const altered = new Altered().json('processor_config.json', (json) => (json['num_query_tokens'] = 5))
    const { checks } = await convertCheckpoint(altered.tree, sinkInMemory(new Map()), {
      precision: 'q8',
      name,
    })
    expect(checks.find((check) => check.name === 'queries')).toMatchObject({ ok: false })
  })

  it.each<[string, (altered: Altered) => Altered]>([
    ['an empty tensor beside the others', () => withTensor('x', 'F32', [0, 3])],
    ['no metadata', (a) => a.header(WEIGHTS, (e) => ({ ...e, __metadata__: null }))],
    ['metadata of MLX', (a) => a.header(WEIGHTS, (e) => ({ ...e, __metadata__: { format: 'mlx' } }))],
  ])('with %s makes the same weights', async (_, change) => {
    expect(await hashes(change(new Altered()))).toEqual(await hashes(new Altered()))
  })

  it.each(['short-tied', 't5-untied'])(
    '%s has each of its side files read once, and a tokenizer that fits',
    async (checkpoint) => {
      const { tree } = new Altered(`models/reference/${checkpoint}`)
      const opened: string[] = []
      const counting: FileTree = {
        ...tree,
        open: (path) => {
          opened.push(path)
          return tree.open(path)
        },
      }
      const { checks } = await convertCheckpoint(counting, sinkInMemory(new Map()), { precision: 'q8', name })
      expect(opened.filter((path, i) => opened.indexOf(path) !== i)).toEqual([])
      expect(checks.find((check) => check.name === 'tokenizer')).toMatchObject({ ok: true })
    },
  )

  it('as Blip2Model is converted', async () => {
    expect(await hashes(withConfig({ architectures: ['Blip2Model'] }))).toEqual(await hashes(new Altered()))
    expect(await fingerprint(new Altered())).not.toBe('')
  })
})
