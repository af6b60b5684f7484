import type { TranslatedNamespace } from '../translated.ts'

export const inside: TranslatedNamespace<'inside'> = {
  name: '内部',
  link: '看看内部：这样的模型如何看图片',
  heading: 'Q-Former 的内部',
  intro:
    'BLIP-2 在冻结的眼睛和冻结的语言模型之间放了一个小网络：Q-Former。这里可以用内置模型和它的手绘场景看它如何工作。任何数据都不会离开本设备。',
  scene: '正在看的场景：{{caption}}',
  words: '关于图片的话',
  look: '查看',
  another: '换一个场景',
  looking: '正在看…',
  stages: {
    heading: '每一级看到什么',
    intro: '每一级只得到前一级交给它的东西。语言模型看不到图片的任何像素：它对图片的全部了解都经过查询而来。',
    stage: '传递的内容',
    published: '已发布的 BLIP-2',
    pixels: '图片（像素）',
    patches: '图块',
    features: '图像特征：类别标记与图块 × 数值',
    queries: '查询输出：查询 × 数值',
    vectors: '用于比较的向量：查询 × 数值',
    language: '语言模型读到的：查询 × 数值',
  },
  queries: {
    heading: '每个查询看哪里',
    intro_other: '{{count, number}} 个学到的查询在看图块。亮处是每个查询在某一层关注的地方（各头的平均）。',
    layer: '层',
    withText: '同时让查询看到文字',
    one: '查询 {{number, number}}：与文字的相似度 {{likeness}}',
    best: '它最相似，以它为准。',
    caution:
      '每幅小图都按自己最亮的图块缩放，所以不同查询的亮度不能相互比较。查询没有固定含义，注意力也不是解释：它的平均值会误导人。',
  },
  outcome: {
    contrast: '对比',
    contrastSays: '以最好的查询为准：第 {{number, number}} 个，余弦 {{likeness}}。文字和图片互相没有看到。',
    matching: '匹配',
    matchingSays: '查询和文字互相阅读：模型认为两者相符的程度是 {{share}}。',
  },
  masks: {
    heading: '三种掩码，三项任务',
    intro:
      '同样的权重学习三项任务；不同的只是谁可以看到谁。行看列：先是四个查询，然后是四个词。填色表示看得到。',
    apart: {
      name: '对比。',
      says: '查询看查询，词看词，因此两者可以各自计算，从而可以搜索图片。',
    },
    together: {
      name: '匹配。',
      says: '全部互相可见，文字的细节可以与图片核对。',
    },
    causal: {
      name: '书写。',
      says: '查询只看彼此；每个词看到全部查询和它前面的词，学习说出下一个词。',
    },
    head: '内置的比较模型没有学过第三项任务；LAVIS 发布的文件带有相应的头，那样它就会写图片说明。',
  },
}
