using System.Runtime.CompilerServices;

// All signatures are blittable: nothing is marshalled, and a type that would need it does not compile.
[assembly: DisableRuntimeMarshalling]
