import type { TranslatedNamespace } from '../translated.ts'

export const settings: TranslatedNamespace<'settings'> = {
  heading: 'Ajustes',
  language: 'Idioma',
  auto: 'Como el navegador',
  appearance: 'Apariencia',
  themes: { auto: 'Como el sistema', light: 'Clara', dark: 'Oscura' },
  how: 'Cómo responder',
  presets: {
    quick: { name: 'Rápida', hint: 'la palabra más probable cada vez' },
    caption: { name: 'Descripción', hint: 'cinco haces, al menos ocho tokens, como LAVIS para COCO' },
    short: { name: 'Respuesta corta', hint: 'diez tokens como máximo' },
    creative: { name: 'Creativa', hint: 'sorteada entre las palabras más probables, distinta cada vez' },
    vqa: {
      name: 'LAVIS VQA',
      hint: 'cinco haces, diez tokens como máximo, se favorecen las respuestas cortas (penalización de longitud -1)',
    },
    own: { name: 'La mía', hint: 'cada ajuste a mano' },
  },
  begins: 'La descripción empieza por',
  tuned:
    'Este modelo se ajustó a descripciones que empiezan por «{{prompt}}». Mientras aquí no haya nada, empiezan así.',
  template: 'Cómo se hace una pregunta al modelo',
  templateProblem:
    'Diga dónde va la pregunta: escriba {question} en algún sitio. Hasta entonces se usa «{{kept}}».',
  templateBack: 'Volver a la de BLIP-2',
  memory: {
    label: 'Memoria',
    auto: 'Automática',
    keep: 'Mantener todo cargado',
    spare: 'Ahorrar memoria',
    hint: 'Al ahorrar memoria, la parte que mira las imágenes se aparta hasta la siguiente, que entonces tarda un poco más.',
  },
  kernels: {
    label: 'Núcleos propios',
    never: 'Desactivados',
    auto: 'En tarjetas gráficas, donde son más rápidos',
    always: 'También en adaptadores por software',
    hint: 'Aceleran el modelo de lenguaje en una tarjeta gráfica. Se prueban en la primera carga: donde calculan algo distinto de ONNX Runtime, son más lentos o fallan, se usa ONNX Runtime, y «Este dispositivo» dice por qué. Un cambio vale desde la próxima carga.',
  },
  own: {
    legend: 'Mi propia manera de responder',
    maxNewTokens: 'Respuesta más larga, en tokens',
    minNewTokens: 'Respuesta más corta, en tokens',
    beams: 'Haces',
    lengthPenalty: 'Penalización de longitud',
    repetitionPenalty: 'Penalización de repetición',
    noRepeatNgram: 'Ningún n-grama dos veces, de este tamaño',
    answers: 'Respuestas',
    sample: 'Sortear en lugar de elegir lo mejor',
    temperature: 'Temperatura',
    topK: 'Top-k (0 para todos)',
    topP: 'Top-p',
    seed: 'Semilla',
    lastUsed: 'Se usan los últimos ajustes válidos.',
    back: 'Volver a la búsqueda simple',
  },
}
