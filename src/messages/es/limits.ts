import type { TranslatedNamespace } from '../translated.ts'

export const limits: TranslatedNamespace<'limits'> = {
  announced: 'Es una suposición: el modelo de práctica no está seguro de conocer lo que muestra la imagen.',
  guess: 'El modelo de práctica no está seguro de conocer lo que se ve aquí. Una suposición:',
  strange:
    'El modelo de práctica no aprendió preguntas con {{words}}; responde a qué, cuántos, de qué color y dónde.',
  quoted: '«{{word}}»',
  varied: 'Muestreado, porque sus ajustes dan cada vez las mismas palabras.',
  takes: '{{range, durationRange}}, según lo medido ahora mismo.',
  used: '{{size, bytes}} ocupados: {{models, bytes}} por estos modelos, {{rest, bytes}} por la página con sus modelos incorporados, imágenes y conversaciones.',
}
