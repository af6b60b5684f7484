import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { ZipWriter } from '../../archive/zip-writer.ts'
import { treeInMemory, type FileTree } from '../../pack/bytes.ts'
import { elementsOf, openCheckpoint, type Checkpoint } from '../checkpoint.ts'
import { parseConfig } from '../families/config-json.ts'
import { findRoot } from '../find-root.ts'
import { inspectCheckpoint } from '../inspect.ts'
import { openAndPlan } from '../open.ts'
import { composeCheckpoint, type Composition } from './composed.ts'
import { lavisConfig } from './config.ts'
import { languageName, modelName, towerName } from './names.ts'
import { dropUnusedBlocks, openLavis } from './open-lavis.ts'

const FILES = {
  'lavis-opt': [
    'blip2_pretrained_small.pth',
    'eva_vit_g.pth',
    'config.json',
    'pytorch_model.bin',
    'vocab.json',
    'merges.txt',
  ],
  'lavis-t5-clip': [
    'blip2_pretrained_small_vitL.pth',
    'clip_vit_L.pth',
    'config.json',
    'model.safetensors',
    'tokenizer.json',
  ],
} as const
const LANGUAGE = { 'lavis-opt': 'opt-small', 'lavis-t5-clip': 'flan-t5-small' } as const
type Name = keyof typeof FILES

/** The files of a reference checkpoint; those of the language model below `folder`. */
async function filesOf(name: Name, folder = `${LANGUAGE[name]}/`): Promise<Map<string, ArrayBuffer>> {
  const files = new Map<string, ArrayBuffer>()
  for (const file of FILES[name]) {
    const own = file.endsWith('.pth')
    const bytes = await readFile(`models/reference/${name}/${own ? '' : `${LANGUAGE[name]}/`}${file}`)
    files.set(own ? file : folder + file, new Uint8Array(bytes).buffer)
  }
  return files
}

async function zip(entries: Record<string, Uint8Array<ArrayBuffer>>): Promise<ArrayBuffer> {
  const writer = new ZipWriter(new Date(0))
  for (const [name, bytes] of Object.entries(entries)) await writer.add(name, new Blob([bytes]))
  return writer.finish().arrayBuffer()
}

async function open(files: Map<string, ArrayBuffer>): Promise<Awaited<ReturnType<typeof openAndPlan>>> {
  return openAndPlan(treeInMemory(files), 'fp32', { compare: 'sure' })
}

describe('names', () => {
  it.each([
    ['ln_vision.weight', 'vision_model.post_layernorm.weight'],
    ['Qformer.bert.embeddings.LayerNorm.bias', 'qformer.layernorm.bias'],
    ['Qformer.bert.embeddings.word_embeddings.weight', 'embeddings.word_embeddings.weight'],
    ['Qformer.bert.embeddings.position_embeddings.weight', 'embeddings.position_embeddings.weight'],
    ['Qformer.bert.embeddings.position_ids', undefined],
    [
      'Qformer.bert.encoder.layer.3.attention.self.query.bias',
      'qformer.encoder.layer.3.attention.attention.query.bias',
    ],
    [
      'Qformer.bert.encoder.layer.2.crossattention.self.key.weight',
      'qformer.encoder.layer.2.crossattention.attention.key.weight',
    ],
    [
      'Qformer.bert.encoder.layer.2.crossattention.output.dense.weight',
      'qformer.encoder.layer.2.crossattention.output.dense.weight',
    ],
    [
      'Qformer.bert.encoder.layer.11.intermediate_query.dense.bias',
      'qformer.encoder.layer.11.intermediate_query.dense.bias',
    ],
    ['Qformer.bert.encoder.layer.11.output.LayerNorm.bias', 'qformer.encoder.layer.11.output.LayerNorm.bias'],
    ['Qformer.cls.predictions.decoder.weight', 'cls.predictions.decoder.weight'],
    ['opt_proj.weight', 'language_projection.weight'],
    ['t5_proj.bias', 'language_projection.bias'],
    ['vision_proj.weight', 'vision_projection.weight'],
    ['text_proj.bias', 'text_projection.bias'],
    ['itm_head.weight', 'itm_head.weight'],
    ['temp', 'temp'],
    ['query_tokens', 'query_tokens'],
    ['visual_encoder.blocks.38.attn.q_bias', 'vision_model.encoder.layers.38.self_attn.q_bias'],
    ['visual_encoder.blocks.0.mlp.fc2.weight', 'vision_model.encoder.layers.0.mlp.fc2.weight'],
    ['visual_encoder.patch_embed.proj.bias', 'vision_model.embeddings.patch_embedding.bias'],
    ['visual_encoder.head.weight', undefined],
    ['t5_model.shared.weight', 'language_model.shared.weight'],
  ])('%s is %s', (lavis, ours) => {
    expect(modelName(lavis, 'eva')).toBe(ours)
  })

  it('are those of the tower and of the language model that a file holds', () => {
    expect(towerName('transformer.resblocks.22.attn.in_proj_bias', 'clip')).toBe(
      'vision_model.blocks.22.attn.in_proj.bias',
    )
    expect(towerName('ln_post.weight', 'clip')).toBeUndefined()
    expect(languageName('decoder.layers.0.fc1.weight', 'opt')).toBe(
      'language_model.model.decoder.layers.0.fc1.weight',
    )
    expect(languageName('decoder.block.0.layer.0.layer_norm.weight', 't5')).toBe(
      'language_model.decoder.block.0.layer.0.layer_norm.weight',
    )
  })
})

describe('a checkpoint of LAVIS', () => {
  it('is one with the frozen parts beside it, of which nothing is left over', async () => {
    for (const name of ['lavis-opt', 'lavis-t5-clip'] as const) {
      const { checkpoint, plan, configText } = await open(await filesOf(name))
      const used = new Set(
        plan.weights.flatMap(({ recipes }) =>
          recipes.flatMap(({ sources }) => sources.map(({ tensor }) => tensor)),
        ),
      )
      const left = [...checkpoint.tensors.keys()].filter((tensor) => !used.has(tensor))
      expect(left, configText).toEqual(name === 'lavis-opt' ? ['language_model.lm_head.weight'] : [])
      expect(checkpoint.files.map(({ path }) => path)).toEqual([
        FILES[name][0],
        FILES[name][1],
        `${LANGUAGE[name]}/${name === 'lavis-opt' ? 'pytorch_model.bin' : 'model.safetensors'}`,
      ])
    }
  })

  it('is under the licence of LAVIS, beside what the card of its language model says', async () => {
    const files = await filesOf('lavis-opt')
    expect(await inspectCheckpoint(treeInMemory(files), 'fp32')).toMatchObject({ licence: 'bsd-3-clause' })
    const card = new TextEncoder().encode('---\nlicense: mit\n---\n').buffer
    files.set(`${LANGUAGE['lavis-opt']}/README.md`, card)
    expect(await inspectCheckpoint(treeInMemory(files), 'fp32')).toMatchObject({
      licence: 'bsd-3-clause, mit',
    })
  })

  it('may lie in the very folder of its language model', async () => {
    const files = await filesOf('lavis-opt', '')
    expect((await open(files)).model.imageSize).toBe(56)
    expect(await findRoot(treeInMemory(files))).toBe('')
  })

  it('is found above the folder of its language model, and a random state beside a checkpoint is none', async () => {
    const files = await filesOf('lavis-opt')
    const deep = new Map([...files].map(([path, bytes]): [string, ArrayBuffer] => [`runs/${path}`, bytes]))
    expect(await findRoot(treeInMemory(deep))).toBe('runs/')
    const config = new TextEncoder().encode('{"model_type":"blip-2"}').buffer
    const state = await zip({ 'rng/data.pkl': Uint8Array.of(0x80, 2, 0x63, 0x6e, 0x0a, 0x61, 0x0a, 0x2e) })
    const trained: FileTree = treeInMemory(
      new Map([
        ['config.json', config],
        ['model.safetensors', new ArrayBuffer(8)],
        ['rng_state.pth', state],
      ]),
    )
    expect(await openLavis(trained)).toBeUndefined()
    expect(await findRoot(trained)).toBe('')
    const both = new Map([
      ...files,
      ['config.json', config],
      ['model.safetensors', new ArrayBuffer(8)],
    ] as const)
    expect(await openLavis(treeInMemory(both)), 'what transformers would load is meant').toBeUndefined()
  })

  it('is none below a checkpoint that is whole, nor is an adapter there, which is refused by itself', async () => {
    const whole = [
      ['config.json', new TextEncoder().encode('{"model_type":"blip-2"}').buffer],
      ['model.safetensors', new ArrayBuffer(8)],
    ] as const
    const state = await readFile('models/reference/torch/state.pth')
    state.write('lora_A', state.indexOf('weight'), 'latin1')
    const adapter = new Uint8Array(state).buffer
    expect(await findRoot(treeInMemory(new Map([...whole, ['runs/lora.pth', adapter]])))).toBe('')
    await expect(openLavis(treeInMemory(new Map([['lora.pth', adapter]])))).rejects.toMatchObject({
      code: 'unsupported-model',
      message: expect.stringMatching(/lora_A.*merge it/) as string,
    })
    const files = await filesOf('lavis-opt')
    const beside = treeInMemory(new Map([...files, ['lora.pth', adapter]]))
    await expect(openLavis(beside), 'beside a model it may be meant for it').rejects.toMatchObject({
      message: expect.stringMatching(/lora_A.*merge it/) as string,
    })
    const trained = files.get(FILES['lavis-opt'][0]) ?? new ArrayBuffer()
    const both = new Map<string, ArrayBuffer>([...whole, ['runs/trained.pth', trained]])
    expect(await findRoot(treeInMemory(both))).toBe('')
    both.delete('model.safetensors')
    expect(await findRoot(treeInMemory(both)), 'a configuration alone is none').toBe('runs/')
  })

  it.each([
    ['eva_vit_g.pth', /leaves out its vision encoder \(eva_vit_g\.pth\), as LAVIS/],
    [
      'opt-small/config.json',
      /leaves out its language model \(the folder of the OPT of width 64\), as LAVIS/,
    ],
  ])('says what is missing without %s', async (file, sentence) => {
    const files = await filesOf('lavis-opt')
    files.delete(file)
    await expect(open(files)).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringMatching(sentence) as string,
    })
  })

  it('takes no tower and no language model of another width or kind', async () => {
    const other = await filesOf('lavis-t5-clip')
    const files = await filesOf('lavis-opt')
    files.set('eva_vit_g.pth', other.get('clip_vit_L.pth') ?? new ArrayBuffer())
    files.set('opt-small/config.json', other.get('flan-t5-small/config.json') ?? new ArrayBuffer())
    await expect(open(files)).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('(eva_vit_g.pth) and its language model') as string,
    })
  })

  it.each(['blip2_pretrained_small.pth', 'eva_vit_g.pth', 'opt-small/config.json'])(
    'asks which is meant where there are two of %s',
    async (file) => {
      const files = await filesOf('lavis-opt')
      files.set(file.replace(/^(opt-)?/, 'other-$1'), files.get(file) ?? new ArrayBuffer())
      await expect(open(files)).rejects.toMatchObject({
        code: 'bad-usage',
        message: expect.stringMatching(/^Several .* side by side/) as string,
      })
    },
  )

  it('says why a tower that is damaged cannot be read', async () => {
    const files = await filesOf('lavis-opt')
    files.set('eva_vit_g.pth', (files.get('eva_vit_g.pth') ?? new ArrayBuffer()).slice(0, -300))
    await expect(open(files)).rejects.toMatchObject({
      code: 'bad-checkpoint',
      message: expect.stringContaining('eva_vit_g.pth cannot be used') as string,
    })
  })
})

/** A checkpoint of names and shapes alone; each value is its place. */
function made(shapes: Record<string, number[]>): Checkpoint {
  const tensors = new Map(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      { dtype: 'F32' as const, shape, file: 'x', start: 0, end: 4 },
    ]),
  )
  const read = (_: string, first: number, count: number): Promise<Float32Array<ArrayBuffer>> =>
    Promise.resolve(Float32Array.from({ length: count }, (_, i) => 1 + first + i))
  return { tensors, files: [], byteLength: 0, readElements: read, readRows: read }
}

it('after the first stage is what transformers has of it, a tower of its own and all', async () => {
  const bytes = async (path: string): Promise<ArrayBuffer> =>
    new Uint8Array(await readFile(`models/reference/${path}`)).buffer
  const lavis = await openLavis(treeInMemory(new Map([['coco.pth', await bytes('lavis-itm.pth')]])))
  const reference = await openCheckpoint(
    treeInMemory(new Map([['model.safetensors', await bytes('itm-odd/model.safetensors')]])),
  )
  const found = lavis?.checkpoint
  for (const [name, { shape }] of reference.tensors) {
    if (name.endsWith('position_ids')) continue
    expect(found?.tensors.get(name)?.shape, name).toEqual(shape)
    const count = elementsOf(shape)
    expect(await found?.readElements(name, 0, count), name).toEqual(
      await reference.readElements(name, 0, count),
    )
  }
  expect(found?.tensors.has('temp')).toBe(true)
  expect(parseConfig(lavis?.configText ?? '')['architectures']).toEqual(['Blip2ForImageTextRetrieval'])
})

describe('what LAVIS knows without a file', () => {
  it('is that a model without a projection compares', () => {
    const stage1: Record<string, number[]> = {
      query_tokens: [1, 4, 64],
      'qformer.encoder.layer.1.intermediate_query.dense.weight': [8, 64],
      'qformer.encoder.layer.0.intermediate_query.dense.weight': [8, 64],
      'vision_projection.weight': [16, 64],
      'embeddings.word_embeddings.weight': [100, 64],
      'embeddings.position_embeddings.weight': [32, 64],
      'vision_model.embeddings.patch_embedding.weight': [88, 3, 14, 14],
      'vision_model.embeddings.position_embedding': [1, 17, 88],
      'vision_model.encoder.layers.0.mlp.fc1.weight': [24, 88],
    }
    const config = lavisConfig(made(stage1), 'eva', undefined)
    expect(config).toMatchObject({
      architectures: ['Blip2ForImageTextRetrieval'],
      image_text_hidden_size: 16,
      num_query_tokens: 4,
      qformer_config: {
        use_qformer_text_input: true,
        vocab_size: 100,
        num_hidden_layers: 2,
        num_attention_heads: 1,
        max_position_embeddings: 32,
      },
      vision_config: {
        hidden_size: 88,
        num_attention_heads: 1,
        image_size: 56,
        layer_norm_eps: 1e-6,
        post_layer_norm_eps: 1e-5,
      },
    })
  })

  it.each([
    ['eva', 39, 'blocks.', '.norm1.weight'],
    ['clip', 23, 'transformer.resblocks.', '.ln_1.weight'],
  ] as const)('is how many blocks it builds of %s: %i', (kind, depth, before, behind) => {
    const names = Array.from({ length: depth + 1 }, (_, i) => towerName(`${before}${i}${behind}`, kind) ?? '')
    const composition: Composition = new Map(names.map((name) => [name, { from: made({}), tensor: name }]))
    dropUnusedBlocks(composition, kind)
    expect([...composition.keys()]).toEqual(names.slice(0, depth))
  })

  it("is a bias for keys that is zero, whatever stretch of the tower's bias is read", async () => {
    const from = made({ q: [3], v: [3], short: [2] })
    const [q, v] = [
      { from, tensor: 'q' },
      { from, tensor: 'v' },
    ]
    const checkpoint = composeCheckpoint(new Map([['bias', [q, null, v] as const]]), [])
    expect([...(await checkpoint.readElements('bias', 0, 9))]).toEqual([1, 2, 3, 0, 0, 0, 1, 2, 3])
    expect([...(await checkpoint.readElements('bias', 2, 6))]).toEqual([3, 0, 0, 0, 1, 2])
    expect(checkpoint.tensors.get('bias')?.shape).toEqual([9])
    const uneven = new Map([['bias', [q, null, { from, tensor: 'short' }] as const]])
    expect(() => composeCheckpoint(uneven, [])).toThrow(/vectors of one length/)
  })
})
